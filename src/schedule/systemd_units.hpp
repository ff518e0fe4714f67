#pragma once

/// @file
/// The timer and the service of an exported job. Pure.
///
/// Source: systemd.timer(5), systemd.service(5), systemd.exec(5).

#include "schedule/exported_job.hpp"

#include <vector>

namespace dbbackup {

/// "db-backup-JOB.service" and "db-backup-JOB.timer". The service may write what the job has to,
/// and little else.
/// @throws ConfigError "not_exportable" for times that systemd has no words for.
[[nodiscard]] std::vector<ExportedFile> systemd_units(const ExportedJob& job,
                                                      const ExportPlace& place);

}  // namespace dbbackup
