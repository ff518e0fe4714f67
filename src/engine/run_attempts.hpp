#pragma once

/// @file
/// When a writing run that ended without a commit starts over: a collector gave it up, or a pack
/// that it referred to turned out to be damaged.

#include "base/log.hpp"
#include "repository/snapshot_writer.hpp"

#include <exception>
#include <utility>

namespace dbbackup {

/// Something was referred to before its pack was found damaged.
class ReferredToDamage final : public std::exception {
public:
    explicit ReferredToDamage(SnapshotWriter::DamagedPacks packs) : packs_(std::move(packs)) {}
    [[nodiscard]] const SnapshotWriter::DamagedPacks& packs() const noexcept { return packs_; }
    [[nodiscard]] const char* what() const noexcept override { return "a pack is damaged"; }

private:
    SnapshotWriter::DamagedPacks packs_;
};

/// A look at each pack costs a request where the storage is not local, so there only a full has it.
/// @throws ReferredToDamage.
void check_referred_packs(SnapshotWriter& writer, Repository& repository, BackupMode mode);

/// Counts the attempts of one run, and remembers what they found. Not thread-safe.
class RunAttempts {
public:
    explicit RunAttempts(Log& log) : log_(log) {}

    /// Packs that an earlier attempt found damaged: for SnapshotWriter::distrust.
    [[nodiscard]] const SnapshotWriter::DamagedPacks& damaged() const noexcept { return damaged_; }

    void begin() noexcept { ++begun_; }
    /// To be called in the catch block of `error`; rethrows it when that was so too often.
    void note(const RunGivenUp& error);
    /// @throws Error when nothing new was found.
    void note(const ReferredToDamage& damage);

private:
    Log& log_;
    int begun_ = 0;
    SnapshotWriter::DamagedPacks damaged_;
};

}  // namespace dbbackup
