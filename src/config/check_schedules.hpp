#pragma once

/// @file
/// Whether schedules and notifications are whole, and name what there is.

#include "config/config.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// Takes a problem: of a key of a section, and what was probably meant.
using ReportWrong =
    std::function<void(const std::vector<std::string>& section, const std::string& key,
                       std::string_view problem, std::string_view suggestion)>;

void check_schedules(const Config& config, const ReportWrong& wrong);

}  // namespace dbbackup
