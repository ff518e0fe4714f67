#pragma once

/// @file
/// A cron expression in the five plain fields that every cron and Kubernetes read, for what
/// `schedule export` writes. Pure.

#include "calendar/cron_expression.hpp"

#include <string>

namespace dbbackup {

/// Numbers and `*` only: names are spelt out, `H` is what it stands for.
/// @throws ConfigError "not_exportable" for `L` and `#`, and for days that crons disagree about.
[[nodiscard]] std::string crontab_times(const CronExpression& cron);

}  // namespace dbbackup
