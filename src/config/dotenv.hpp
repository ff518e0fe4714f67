#pragma once

/// @file
/// Reads `.env` files: KEY=VALUE lines beside the configuration.

#include "config/problems.hpp"

#include <map>
#include <string>
#include <string_view>

namespace dbbackup {

/// The value of one variable and where it stands.
struct DotenvEntry {
    std::string value;
    Mark mark;
};

/// Reads lines of the form `[export ]KEY=VALUE`. A value in single quotes is taken as it is; in
/// double quotes \n, \t, \", \\ and \$ are escapes; without quotes it ends before " #" and spaces
/// at its ends are dropped. What is wrong is added to `problems` under the name `file`.
[[nodiscard]] std::map<std::string, DotenvEntry> parse_dotenv(std::string_view text,
                                                              std::string_view file,
                                                              Problems& problems);

}  // namespace dbbackup
