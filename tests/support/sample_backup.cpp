#include "support/sample_backup.hpp"

#include "engine/restore.hpp"
#include "support/faulty_storage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace dbbackup {

Secret sample_key() { return Secret(Bytes(32, 0x42)); }

Unlock sample_unlock() {
    Unlock unlock;
    unlock.key_file = [] { return std::optional<Secret>(sample_key()); };
    return unlock;
}

void make_repository(Storage& storage, Encryption encryption) {
    const FakeClock clock;
    Repository::init(storage, {encryption, sample_key()}, clock, {});
}

std::unique_ptr<Repository> open_repository(Storage& storage) {
    // Outlives every repository; nothing is ever written to it.
    static Log silent;
    return Repository::open(std::make_unique<FaultyStorage>(storage, Faults{}), sample_unlock(), {},
                            silent, {});
}

BackupReport back_up(const SampleDatabase& database, Storage& storage, const BackupOptions& options,
                     SampleBehaviour behaviour, std::stop_token stop) {
    const auto repository = open_repository(storage);
    SampleConnector::Targets nowhere;
    SampleConnector connector(database, nowhere, std::move(behaviour));
    SampleContext sample;
    return back_up(*repository, connector, options, sample.context(), std::move(stop));
}

Contents restore(const SnapshotId& snapshot, Storage& storage, SampleBehaviour behaviour) {
    const auto repository = open_repository(storage);
    const SampleDatabase empty;
    SampleConnector::Targets targets;
    SampleConnector connector(empty, targets, std::move(behaviour));
    SampleContext sample;
    RestoreOptions options;
    options.target = "target";
    options.verify = true;
    static_cast<void>(restore(*repository, snapshot, connector, options, sample.context(), {}));
    return targets.at("target");
}

std::vector<SnapshotSummary> snapshots(Storage& storage) {
    return open_repository(storage)->snapshots({});
}

VerifyReport verify(Storage& storage, VerifyDepth depth) {
    const auto repository = open_repository(storage);
    SampleContext sample;
    return verify(*repository, depth, {}, 2, sample.context(), {});
}

std::string findings_text(const VerifyReport& report) {
    std::string text;
    for (const Finding& finding : report.findings) {
        text += fmt::format("{}: {}{} [{}]\n", finding.object, finding.problem,
                            finding.is_harmless ? " (harmless)" : "",
                            fmt::join(finding.snapshots, " "));
    }
    return text;
}

}  // namespace dbbackup
