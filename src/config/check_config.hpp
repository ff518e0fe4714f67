#pragma once

/// @file
/// What must hold between the values of a configuration, after each was read by itself.

#include "config/settings.hpp"

namespace dbbackup {

/// Adds a problem for each required key that is missing and for values that contradict each other.
/// @param document The file that was read, for what is missing as a whole; null without a file.
void check_config(const Config& config, const Settings& settings, const Origin* document,
                  Problems& problems);

}  // namespace dbbackup
