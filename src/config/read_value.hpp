#pragma once

/// @file
/// Reads a setting by the kind of its key: expands variables, checks, resolves paths.

#include "config/settings.hpp"

#include <optional>
#include <string>

namespace dbbackup {

/// Reads one value. Nothing, and a problem added, when it is not good. Secrets never appear in
/// problems. @param variables Of the environment and `.env`, for `${NAME}` in values of a file.
[[nodiscard]] std::optional<KeyValue> read_value(const Setting& setting,
                                                 const Environment& variables, Problems& problems);

/// The value for `config show`: secrets are masked.
[[nodiscard]] std::string shown_value(const Setting& setting, const KeyValue& value);

/// `path` seen from `folder`; "~/" is the home of `variables`.
[[nodiscard]] std::string resolved_path(const std::string& path,
                                        const std::filesystem::path& folder,
                                        const Environment& variables);

/// A URI with "***" for the password in it and for the values of parameters that are secrets.
[[nodiscard]] std::string masked_uri(std::string_view uri);

}  // namespace dbbackup
