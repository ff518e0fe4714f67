#include "engine/run_attempts.hpp"

#include "base/error.hpp"

namespace dbbackup {
namespace {

/// A run that a collector gave up starts over; twice in a row means that something else is wrong.
constexpr int kAttemptsMax = 3;

}  // namespace

void check_referred_packs(SnapshotWriter& writer, Repository& repository, BackupMode mode) {
    if (mode == BackupMode::full || repository.storage().capabilities().is_local) {
        writer.look_for_referred_packs();
    }
    if (writer.refers_to_distrusted()) {
        throw ReferredToDamage(writer.distrusted());
    }
}

void RunAttempts::note(const RunGivenUp& error) {
    if (begun_ == kAttemptsMax) {
        throw;
    }
    log_.warning("the run was given up by a collector; starting over", {{"error", error.what()}});
}

void RunAttempts::note(const ReferredToDamage& damage) {
    log_.warning("a pack is damaged; starting over without what it holds");
    if (damage.packs() == damaged_) {
        throw Error("a pack that was found damaged is referred to again");
    }
    damaged_ = damage.packs();
}

}  // namespace dbbackup
