#pragma once

/// @file
/// A notice with everything in it, for tests.

#include "notify/notice.hpp"

namespace dbbackup {

inline Notice failed_notice() {
    Notice notice;
    notice.id = "0123456789abcdef";
    notice.event = Event::failure;
    notice.job = "nightly";
    notice.source = "shop";
    notice.host = "db1";
    notice.time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) + std::chrono::hours(3);
    notice.title = "Backup of shop failed";
    notice.problem = "FATAL: password authentication failed for user \"backup\"";
    notice.hint = "See whether the role may log in.";
    notice.command = "db-backup backup --source shop";
    notice.facts = {{"Since", "2026-11-26 02:00 UTC"}, {"Tries", "3"}};
    notice.run = "17";
    return notice;
}

}  // namespace dbbackup
