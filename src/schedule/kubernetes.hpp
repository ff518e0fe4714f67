#pragma once

/// @file
/// Exported jobs as CronJobs of Kubernetes. Pure.
///
/// Source: Kubernetes API reference, batch/v1 CronJob and core/v1 PersistentVolumeClaim.

#include "schedule/exported_job.hpp"

#include <vector>

namespace dbbackup {

/// One YAML file with a CronJob for each job, and a claim for what is remembered of its runs. The
/// files that a job reads come from the Secret "db-backup-files", the variables that hold its
/// secrets from "db-backup-environment"; how to make both is said at the top.
/// @throws ConfigError "not_exportable" for times that Kubernetes has no words for, and for jobs
/// whose names become one.
[[nodiscard]] ExportedFile kubernetes(const std::vector<ExportedJob>& jobs,
                                      const ExportPlace& place);

}  // namespace dbbackup
