#pragma once

/// @file
/// ★ The list of ways to tell somebody: a new one gets a line here.

#include "config/config.hpp"
#include "http/http_client.hpp"
#include "notify/notifier.hpp"

#include <memory>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Fetches the secrets, too. @param name What the configuration calls it. @param client Borrowed.
/// @throws ConfigError as a secret cannot be fetched; Cancelled.
[[nodiscard]] std::unique_ptr<Notifier> make_notifier(const std::string& name,
                                                      const NotificationConfig& config,
                                                      const StorageConfig& storage,
                                                      HttpClient& client, std::stop_token stop);

}  // namespace dbbackup
