#pragma once

/// @file
/// The files that AWS's own programs keep profiles in. Pure.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".

#include <map>
#include <string>
#include <string_view>

namespace dbbackup {

/// The settings of one profile. Values may be secrets: they are never printed.
using AwsProfile = std::map<std::string, std::string>;

/// The settings that `text` has for the profile: under `[name]` in both files, and under
/// `[profile name]` in the config file. Nested settings and lines that are none are passed over.
[[nodiscard]] AwsProfile read_aws_profile(std::string_view text, std::string_view name);

}  // namespace dbbackup
