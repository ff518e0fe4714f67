#include "engine/repair.hpp"

#include "base/error.hpp"
#include "engine/snapshot_losses.hpp"
#include "repository/collectable.hpp"
#include "repository/collector_records.hpp"
#include "repository/damage_records.hpp"
#include "repository/index_objects.hpp"
#include "repository/manifest.hpp"
#include "storage/access_denied.hpp"
#include "storage/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace dbbackup {
namespace {

/// Objects that a later prune removes or replaces, or that nothing depends on.
constexpr std::array<std::string_view, 2> kMendedByPrune = {"indexes/", "runs/"};

class Repairer {
public:
    Repairer(Repository& repository, const RepairOptions& options, const Context& context,
             std::stop_token stop)
        : repository_(repository),
          options_(options),
          context_(context),
          stop_(std::move(stop)),
          recorded_(read_all_damage_records(repository, stop_)) {}

    RepairReport run() {
        report_.found = verify(repository_, options_.depth, {}, options_.jobs, context_, stop_);
        find_damaged_packs();
        find_unindexed_packs();
        if (!options_.is_dry_run) {
            context_.progress.phase = Phase::finishing;
            record_damage();
            write_indexes();
        }
        if (options_.may_remove) {
            remove_unreadable_records();
            remove_markers();
        }
        find_losses();
        find_what_is_beyond_repair();
        return std::move(report_);
    }

private:
    /// Packs with damage that no record names yet. What a collector removed is not lost, and what
    /// may not be read is not known to be damaged.
    void find_damaged_packs() {
        const std::set<PackName> removed = removed_packs();
        for (const Finding& finding : report_.found.findings) {
            const std::optional<PackName> pack =
                finding.is_harmless ? std::nullopt : pack_name_of(ObjectName(finding.object));
            if (!pack || removed.contains(*pack) || recorded_.packs.contains(*pack)) {
                continue;
            }
            if (may_be_read(*pack)) {
                damaged_.insert(*pack);
            } else {
                unreadable_.insert(finding.object);
            }
        }
    }

    /// To be read after what they are compared with.
    [[nodiscard]] std::set<PackName> removed_packs() {
        return read_readable_records(repository_.storage(), repository_.keys(), stop_)
            .removed_packs();
    }

    bool may_be_read(const PackName& pack) {
        try {
            static_cast<void>(
                repository_.storage().get_range(pack_object_name(pack), {0, 1}, stop_));
            return true;
        } catch (const StorageError& error) {
            static_cast<void>(damage_of(error));  // Throws what is no matter of permissions.
            return false;
        }
    }

    /// Finds packs whose directory cannot be read, too: nobody can say what they hold.
    void find_unindexed_packs() {
        std::set<PackName> named = packs_in_indexes();
        std::map<PackName, std::uint64_t> others;
        repository_.storage().list(
            ObjectPrefix("packs"),
            [&](const ObjectInfo& info) {
                const std::optional<PackName> pack = pack_name_of(info.name);
                if (pack && !named.contains(*pack)) {
                    others.emplace(*pack, info.size_bytes);
                }
            },
            stop_);
        const std::set<PackName> removed = removed_packs();
        for (const auto& [pack, bytes] : others) {
            if (removed.contains(pack) || recorded_.packs.contains(pack) ||
                damaged_.contains(pack)) {
                continue;
            }
            try {
                if (const auto directory = fetch_pack_directory(repository_, pack, bytes, stop_)) {
                    unindexed_.push_back(*directory);
                    report_.indexed.push_back(pack_object_name(pack).text());
                }
            } catch (const StorageError& error) {
                unreadable_.insert(pack_object_name(pack).text());
                static_cast<void>(damage_of(error));
            } catch (const CorruptionError& error) {
                damaged_.insert(pack);
                report_.found.findings.push_back(
                    {pack_object_name(pack).text(), error.what(), {}, false});
            }
        }
    }

    std::set<PackName> packs_in_indexes() {
        std::set<PackName> named;
        for (const ObjectName& name : names_below(repository_.storage(), "indexes", stop_)) {
            try {
                if (const auto index = read_index_object(repository_, name, stop_)) {
                    for (const IndexedPack& pack : index->packs) {
                        named.insert(pack.name);
                    }
                }
            } catch (const RepositoryError&) {
                // A finding already. What only it named is found among the packs.
            } catch (const StorageError& error) {
                static_cast<void>(damage_of(error));  // The same, where it may not be read.
            }
        }
        std::vector<std::string> damaged;
        for (const SnapshotSummary& snapshot : repository_.snapshots(stop_, &damaged)) {
            try {
                const std::unique_ptr<Manifest> manifest = repository_.manifest(snapshot.id, stop_);
                for (const IndexedPack& pack : manifest->inline_index) {
                    named.insert(pack.name);
                }
            } catch (const ConfigError&) {
                // Removed meanwhile.
            } catch (const RepositoryError&) {
                // A finding already.
            } catch (const StorageError& error) {
                static_cast<void>(damage_of(error));
            }
        }
        return named;
    }

    void record_damage() {
        // With a record that cannot be read, all is written that is known of.
        std::set<PackName> packs = damaged_;
        if (packs.empty() && !must_rewrite()) {
            return;
        }
        if (must_rewrite()) {
            packs.insert(recorded_.packs.begin(), recorded_.packs.end());
        }
        const ObjectName name = new_damage_object_name();
        repository_.storage().put(name, encode_damage(repository_.keys(), name, packs), stop_);
    }

    [[nodiscard]] bool must_rewrite() const {
        return options_.may_remove && options_.depth == VerifyDepth::data &&
               !recorded_.unreadable.empty();
    }

    /// @pre What is damaged has been recorded.
    void remove_unreadable_records() {
        if (!must_rewrite()) {
            return;  // What is damaged is not known as well as it was.
        }
        for (const ObjectName& name : recorded_.unreadable) {
            report_.removed.push_back(name.text());
            if (!options_.is_dry_run) {
                repository_.storage().remove(name, stop_);
            }
        }
    }

    void remove_markers() {
        const std::vector<std::string> markers =
            remove_damaged_markers(repository_, options_.is_dry_run, options_.pause, stop_);
        report_.removed.insert(report_.removed.end(), markers.begin(), markers.end());
    }

    /// Put before anything is based on it, an index may be put by anybody: it says where chunks
    /// lie, and not that they may be used (docs/protocol.md).
    void write_indexes() {
        IndexObjectWriter writer(repository_, stop_);
        for (const IndexedPack& pack : unindexed_) {
            writer.add(pack);
        }
        writer.finish();
    }

    void find_losses() {
        std::map<SnapshotId, std::vector<std::string>> problems;
        for (const Finding& finding : report_.found.findings) {
            for (const SnapshotId& snapshot : finding.snapshots) {
                problems[snapshot].push_back(
                    fmt::format("{}: {}", finding.object, finding.problem));
            }
        }
        std::set<PackName> packs = recorded_.packs;
        packs.insert(damaged_.begin(), damaged_.end());
        SnapshotLosses losses(repository_, std::move(packs), stop_);
        for (auto& [snapshot, texts] : problems) {
            SnapshotLoss loss = losses.of(snapshot);
            loss.problems = std::move(texts);
            report_.losses.push_back(std::move(loss));
        }
        for (const PackName& pack : damaged_) {
            report_.recorded.push_back(pack_object_name(pack).text());
        }
    }

    void find_what_is_beyond_repair() {
        std::set<std::string> objects = unreadable_;
        for (const Finding& finding : report_.found.findings) {
            const std::string& object = finding.object;
            const bool is_mended =
                pack_name_of(ObjectName(object)) ||
                std::any_of(kMendedByPrune.begin(), kMendedByPrune.end(),
                            [&](std::string_view folder) { return object.starts_with(folder); }) ||
                std::find(report_.removed.begin(), report_.removed.end(), object) !=
                    report_.removed.end();
            if (!finding.is_harmless && !is_mended) {
                objects.insert(object);
            }
        }
        report_.beyond_repair.assign(objects.begin(), objects.end());
    }

    Repository& repository_;
    const RepairOptions& options_;
    const Context& context_;
    std::stop_token stop_;
    DamageRecords recorded_;  ///< Before.
    std::set<PackName> damaged_;
    std::set<std::string> unreadable_;  ///< Packs that this user may not read.
    std::vector<IndexedPack> unindexed_;
    RepairReport report_;
};

}  // namespace

RepairReport repair(Repository& repository, const RepairOptions& options, const Context& context,
                    std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    if (!options.is_dry_run) {
        repository.check_writable();
    }
    if (options.may_remove) {
        check_collectable(repository, stop);
    }
    RepairReport report = Repairer(repository, options, context, std::move(stop)).run();
    report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace dbbackup
