#pragma once

/// @file
/// What `schedule export` writes.

#include "config/enums.hpp"

#include <cstdint>

namespace dbbackup {

enum class ExportFormat : std::uint8_t {
    systemd,     ///< A timer and a service for each job.
    cron,        ///< A file for /etc/cron.d.
    kubernetes,  ///< CronJobs.
};

template <>
struct EnumWords<ExportFormat> {
    static constexpr std::array<std::string_view, 3> words = {"systemd", "cron", "kubernetes"};
};

}  // namespace dbbackup
