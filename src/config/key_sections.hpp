#pragma once

/// @file
/// The table of configuration keys, section by section; config_keys.cpp puts it together. Included
/// only by the files that make it.

#include "config/config_keys.hpp"

#include <string>
#include <vector>

namespace dbbackup {

/// What a user calls things: the values of a path's stars.
using KeyNames = std::vector<std::string>;
/// Finds the secret that a group of keys sets.
using FindSecret = SecretSource& (*)(Config&, const KeyNames&);

/// The words of an enum, for `ConfigKey::words`.
template <class E>
std::vector<std::string> words_of_keys() {
    return {EnumWords<E>::words.begin(), EnumWords<E>::words.end()};
}

/// Only for values that were checked to be one of the words.
template <class E>
E checked_value(const KeyValue& value) {
    return value_of<E>(value.text).value_or(E{});
}

/// The four ways to give one secret. @param what "passphrase", for the descriptions.
void add_secret_keys(std::vector<ConfigKey>& keys, const std::string& path, const std::string& what,
                     FindSecret find);

/// The keys of each section, in the order in which they are documented.
void add_repository_keys(std::vector<ConfigKey>& keys);
void add_storage_keys(std::vector<ConfigKey>& keys);
void add_source_keys(std::vector<ConfigKey>& keys);
void add_schedule_keys(std::vector<ConfigKey>& keys);
void add_retention_keys(std::vector<ConfigKey>& keys);
void add_notification_keys(std::vector<ConfigKey>& keys);
void add_logging_keys(std::vector<ConfigKey>& keys);
void add_monitoring_keys(std::vector<ConfigKey>& keys);

}  // namespace dbbackup
