#pragma once

/// @file
/// One line each for what almost every test of a repository does: make one, back up, restore.

#include "base/log.hpp"
#include "engine/backup.hpp"
#include "engine/verify.hpp"
#include "repository/repository.hpp"
#include "storage/storage.hpp"
#include "support/fake_clock.hpp"
#include "support/sample_database.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dbbackup {

/// What encrypted sample repositories are opened with: a key file, because a passphrase costs
/// 64 MiB and a tenth of a second each time, on purpose.
[[nodiscard]] Secret sample_key();
[[nodiscard]] Unlock sample_unlock();

/// The name of a test's parameter.
inline std::string encryption_name(const testing::TestParamInfo<Encryption>& tested) {
    return tested.param == Encryption::none ? "Unencrypted" : "Encrypted";
}

/// @param encryption `none` or `keyfile`.
void make_repository(Storage& storage, Encryption encryption = Encryption::none);
/// @param storage Outlives the repository.
[[nodiscard]] std::unique_ptr<Repository> open_repository(Storage& storage);

/// A clock, a silent log and a progress, for engine calls.
class SampleContext {
public:
    [[nodiscard]] Context context() { return {clock, log, progress}; }

    FakeClock clock;
    Log log;
    Progress progress;
};

using Contents = std::map<std::string, Bytes>;

/// Backs `database` up through a repository object of its own, as a new process would.
BackupReport back_up(const SampleDatabase& database, Storage& storage,
                     const BackupOptions& options = {}, SampleBehaviour behaviour = {},
                     std::stop_token stop = {});
/// What a snapshot gives back. @throws as `restore`.
[[nodiscard]] Contents restore(const SnapshotId& snapshot, Storage& storage,
                               SampleBehaviour behaviour = {});
[[nodiscard]] std::vector<SnapshotSummary> snapshots(Storage& storage);
[[nodiscard]] VerifyReport verify(Storage& storage, VerifyDepth depth);
/// The findings of `verify`, one line each, for messages; "" when all is well.
[[nodiscard]] std::string findings_text(const VerifyReport& report);

}  // namespace dbbackup
