#pragma once

/// @file
/// What a verification found, as `verify` and `repair` say it.

#include "engine/verify.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbbackup {

/// The member "findings".
[[nodiscard]] nlohmann::ordered_json findings_json(const std::vector<Finding>& findings);

/// A line for each, and one for each snapshot that it endangers; "" when there is none. Nothing is
/// cut here, on no terminal: these lines are what a repair begins with.
[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings);

}  // namespace dbbackup
