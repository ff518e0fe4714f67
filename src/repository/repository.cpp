#include "repository/repository.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "repository/collector_records.hpp"
#include "repository/config_object.hpp"
#include "repository/features.hpp"
#include "repository/keys.hpp"
#include "repository/known_repository.hpp"
#include "repository/manifest.hpp"
#include "repository/newest_seen.hpp"
#include "repository/opened_slot.hpp"
#include "repository/record.hpp"
#include "repository/run.hpp"
#include "repository/sealed_cache.hpp"
#include "repository/store_proof.hpp"
#include "storage/access_denied.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <unordered_map>

namespace dbbackup {
namespace {

constexpr std::size_t kPlaceBytes = 8;
/// Manifests up to so many bytes are kept whole when they were made here.
constexpr std::size_t kCachedManifestBytesMax = 64_KiB;
constexpr std::string_view kManifestsFolder = "manifests";

bool by_source_and_sequence(const SnapshotSummary& left, const SnapshotSummary& right) {
    return std::tie(left.source_id, left.sequence, left.id) <
           std::tie(right.source_id, right.sequence, right.id);
}

[[noreturn]] void missing(Storage& storage, const std::string& init_line, std::stop_token stop) {
    bool has_keys = false;
    bool has_probe = false;
    bool has_other = false;
    storage.list(
        ObjectPrefix(),
        [&](const ObjectInfo& info) {
            (info.name.text().starts_with("keys/") ? has_keys
             : is_init_probe(info.name)            ? has_probe
                                                   : has_other) = true;
        },
        std::move(stop));
    const std::string url = storage.url();
    if ((has_keys || has_probe) && !has_other) {
        throw explained<RepositoryError>(
            fmt::format("the repository at {} is half-made: it has no config", url),
            fmt::format("An 'init' was interrupted; complete it with: {}", init_line), "half_made");
    }
    if (has_keys) {
        throw explained<RepositoryError>(
            fmt::format("the repository at {} has lost its config", url),
            "Put back the object 'config' from a copy of the repository.", "config_missing");
    }
    if (has_other) {
        throw explained<RepositoryMissingError>(
            fmt::format("{} holds other files and no repository", url),
            "Choose another place for the repository.", "not_a_repository");
    }
    throw explained<RepositoryMissingError>(fmt::format("there is no repository at {}", url),
                                            fmt::format("Make one with: {}", init_line));
}

}  // namespace

struct Repository::Parts {
    std::unique_ptr<Storage> storage;
    std::unique_ptr<Keys> keys;
    Log* log = nullptr;
    std::mutex mutex;  ///< Guards all below.
    SealedCache cache;
    NewestSeen newest_seen;
    std::unordered_map<SnapshotId, ObjectName> names;
    std::vector<std::string> unknown_for_writing;                ///< Features; set once.
    std::set<ObjectName> lost_manifests;                         ///< That somebody took away.
    std::optional<std::filesystem::path> local_index_file = {};  ///< Set once.
    std::optional<std::filesystem::path> list_cache_file = {};   ///< Set once.
    AnnouncedFeatures announced;

    /// The summary of one manifest object, from the cache or the storage; nothing for a tombstone
    /// or when it has gone. @throws CorruptionError.
    std::optional<SnapshotSummary> summary(const ObjectName& name, std::stop_token stop);
    /// From the cache where that holds the whole. Nothing for a tombstone or when it has gone.
    /// @throws CorruptionError.
    std::optional<Manifest> fetch_manifest(const ObjectName& name, std::stop_token stop);
    std::vector<SnapshotSummary> summaries(
        const ObjectPrefix& prefix, const Removals* known, std::stop_token stop,
        const std::function<void(const ObjectName&, CorruptionError&)>& damaged);
    void compare_with_seen(const ObjectPrefix& prefix, const std::vector<ObjectName>& listed,
                           const std::vector<SnapshotSummary>& snapshots, std::stop_token stop);
};

std::optional<SnapshotSummary> Repository::Parts::summary(const ObjectName& name,
                                                          std::stop_token stop) {
    const auto answer = [](const ManifestHead& head) {
        return head.is_tombstone ? std::nullopt : std::optional(head.summary);
    };
    {
        const std::lock_guard lock(mutex);
        const BytesView cached = cache.find(name.text());
        try {
            if (const auto head = decode_manifest_head(*keys, name, cached)) {
                return answer(*head);
            }
        } catch (const CorruptionError&) {
            log->debug("a cached manifest is damaged and read anew", {{"object", name.text()}});
        }
    }
    std::optional<Bytes> beginning = storage->get_range(name, {0, kManifestHeadBytes}, stop);
    if (!beginning) {
        return std::nullopt;
    }
    std::optional<ManifestHead> head = decode_manifest_head(*keys, name, *beginning);
    if (!head) {
        beginning = storage->get(name, stop);
        if (!beginning) {
            return std::nullopt;
        }
        head = decode_manifest_head(*keys, name, *beginning);
    }
    if (!head) {
        throw CorruptionError(fmt::format("{} is damaged: it is cut short", name.text()));
    }
    const std::lock_guard lock(mutex);
    cache.add(name.text(), BytesView(*beginning).first(record_head_bytes(*beginning)));
    return answer(*head);
}

std::optional<Manifest> Repository::Parts::fetch_manifest(const ObjectName& name,
                                                          std::stop_token stop) {
    {
        const std::lock_guard lock(mutex);
        const BytesView cached = cache.find(name.text());
        try {
            if (is_whole_record(cached)) {
                return decode_manifest(*keys, name, cached);
            }
        } catch (const CorruptionError&) {
            log->debug("a cached manifest is damaged and read anew", {{"object", name.text()}});
        }
    }
    const std::optional<Bytes> object = storage->get(name, std::move(stop));
    return object ? decode_manifest(*keys, name, *object) : std::nullopt;
}

std::vector<SnapshotSummary> Repository::Parts::summaries(
    const ObjectPrefix& prefix, const Removals* known, std::stop_token stop,
    const std::function<void(const ObjectName&, CorruptionError&)>& damaged) {
    // A marker that cannot be read stops writers and collectors, never a restore.
    const Removals removals =
        known != nullptr ? *known : read_removals(*storage, *keys, stop, damaged);
    std::vector<ObjectName> found;
    storage->list(
        prefix,
        [&](const ObjectInfo& info) {
            if (!removals.manifests.contains(info.name.text())) {
                found.push_back(info.name);
            }
        },
        stop);
    std::vector<SnapshotSummary> snapshots;
    for (const ObjectName& name : found) {
        try {
            if (std::optional<SnapshotSummary> one = summary(name, stop)) {
                const std::lock_guard lock(mutex);
                names.insert_or_assign(one->id, name);
                snapshots.push_back(std::move(*one));
            }
        } catch (const Error& error) {
            if (prefix.text() != kManifestsFolder && error.code() == kAccessDenied) {
                throw;  // A backup must not build upon less than there is.
            }
            CorruptionError damage = damage_of(error);
            damaged(name, damage);
        }
    }
    std::sort(snapshots.begin(), snapshots.end(), by_source_and_sequence);
    compare_with_seen(prefix, found, snapshots, stop);
    const std::lock_guard lock(mutex);
    // Heads of one source say nothing of how many there are.
    cache.save(prefix.text() == kManifestsFolder ? std::optional(found.size()) : std::nullopt);
    return snapshots;
}

/// Warns when the newest snapshot of a source that this machine has seen is gone and no collector
/// removed it: until the source has a newer one, its next backup would build upon an older world.
/// @param listed The manifests below `prefix`, damaged ones too.
/// @param snapshots Those that can be read, by source and sequence.
void Repository::Parts::compare_with_seen(const ObjectPrefix& prefix,
                                          const std::vector<ObjectName>& listed,
                                          const std::vector<SnapshotSummary>& snapshots,
                                          std::stop_token stop) {
    std::map<SourceId, NewestSeen::Entry> newest;
    for (const SnapshotSummary& snapshot : snapshots) {
        newest[snapshot.source_id] = {snapshot.sequence, snapshot.id};
    }
    const std::set<ObjectName> present(listed.begin(), listed.end());
    std::unique_lock lock(mutex);
    const std::map<SourceId, NewestSeen::Entry> seen_before = newest_seen.entries();
    lock.unlock();
    std::vector<std::pair<SourceId, NewestSeen::Entry>> lost;
    for (const auto& [source, seen] : seen_before) {
        const ObjectName name = manifest_object_name(source, seen.id);
        const auto now = newest.find(source);
        if (name.text().starts_with(prefix.text()) && !present.contains(name) &&
            (now == newest.end() || now->second.sequence <= seen.sequence)) {
            lost.emplace_back(source, seen);
        }
    }
    // Read again: a collector may have removed them since the first reading.
    const std::set<std::string> removed =
        lost.empty() ? std::set<std::string>()
                     : read_readable_records(*storage, *keys, stop).removed_manifests();
    lock.lock();
    for (const auto& [source, seen] : lost) {
        if (removed.contains(manifest_object_name(source, seen.id).text())) {
            newest_seen.forget(source);
            continue;
        }
        newest.erase(source);  // The lost one goes on to be missed.
        lost_manifests.insert(manifest_object_name(source, seen.id));
        log->warning(
            "the repository shows an older state: a snapshot that this machine has seen "
            "is gone, and no prune removed it",
            {{"snapshot", seen.id}, {"repository", storage->url()}});
    }
    for (const auto& [source, entry] : newest) {
        newest_seen.remember(source, entry);
    }
    newest_seen.save();
}

bool Repository::exists(Storage& storage, std::stop_token stop) {
    return storage.size_bytes(config_object_name(), std::move(stop)).has_value();
}

std::unique_ptr<Repository> Repository::open(std::unique_ptr<Storage> storage, const Unlock& unlock,
                                             const OpenOptions& options, Log& log,
                                             std::stop_token stop) {
    const std::optional<Bytes> content = storage->get(config_object_name(), stop);
    if (!content) {
        missing(*storage, options.init_line, stop);
    }
    const RepositoryConfigObject config = decode_config(*content);
    KnownRepository known(options.state_folder, storage->url());
    known.check(config, log);
    OpenedSlot opened(options.state_folder, config.repository_id);
    // Neither needs the other: where each answer takes its time, both are asked for at once.
    std::future<Features> features_found =
        std::async(storage->capabilities().is_local ? std::launch::deferred : std::launch::async,
                   [&storage, &stop] { return check_features(*storage, stop); });
    std::optional<UnlockedMaster> known_slot = opened.unlock(*storage, config, unlock, stop);
    UnlockedMaster master =
        known_slot ? std::move(*known_slot) : unlock_master(*storage, config, unlock, stop);
    opened.remember(master.slot);
    auto keys = std::make_unique<Keys>(config.cipher, config.repository_id, std::move(master.key),
                                       std::move(master.slot));
    check_config_mac(*content, *keys);
    known.remember(config);
    Features features = features_found.get();
    std::optional<std::filesystem::path> cache_file;
    std::optional<std::filesystem::path> list_cache_file;
    if (options.cache_folder) {
        cache_file = *options.cache_folder / config.repository_id / "manifest-heads";
        list_cache_file = *options.cache_folder / config.repository_id / "segment-lists";
    }
    std::optional<std::filesystem::path> index_file;
    if (options.index_folder) {
        // Copies of a repository have its id; what one of them holds the other may not.
        const Digest place = sha256(as_bytes(storage->url()));
        index_file = *options.index_folder / config.repository_id /
                     fmt::format("index-{}.sqlite", to_hex(BytesView(place).first(kPlaceBytes)));
    }
    std::optional<std::filesystem::path> seen_file;
    if (options.state_folder) {
        seen_file = *options.state_folder / "newest-seen" / config.repository_id;
    }
    // NOLINTNEXTLINE(modernize-make-unique): Parts has a mutex, which no argument can stand for.
    auto parts = std::unique_ptr<Parts>(new Parts{std::move(storage),
                                                  std::move(keys),
                                                  &log,
                                                  {},
                                                  SealedCache(cache_file),
                                                  NewestSeen(seen_file),
                                                  {},
                                                  std::move(features.unknown_for_writing),
                                                  {},
                                                  std::move(index_file),
                                                  std::move(list_cache_file),
                                                  AnnouncedFeatures(std::move(features.known))});
    return std::unique_ptr<Repository>(new Repository(std::move(parts)));
}

Repository::Repository(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Repository::~Repository() = default;

const std::string& Repository::id() const { return parts_->keys->repository_id(); }
bool Repository::is_encrypted() const { return parts_->keys->cipher() != Cipher::none; }
Storage& Repository::storage() { return *parts_->storage; }
const Keys& Repository::keys() const { return *parts_->keys; }
Log& Repository::log() { return *parts_->log; }
const std::optional<std::filesystem::path>& Repository::local_index_file() const {
    return parts_->local_index_file;
}
const std::optional<std::filesystem::path>& Repository::list_cache_file() const {
    return parts_->list_cache_file;
}

void Repository::check_writable() const {
    if (!parts_->unknown_for_writing.empty()) {
        throw unknown_feature(parts_->unknown_for_writing.front(), "write");
    }
}

void Repository::announce(Codec codec, std::stop_token stop) {
    parts_->announced.announce(codec, storage(), std::move(stop));
}

std::vector<ObjectName> Repository::lost_manifests() const {
    const std::lock_guard lock(parts_->mutex);
    return {parts_->lost_manifests.begin(), parts_->lost_manifests.end()};
}

SourceId Repository::source_id(DatabaseType type, const std::string& identity) const {
    return parts_->keys->source_id(word_of(type), identity);
}

std::vector<SnapshotSummary> Repository::snapshots(std::stop_token stop,
                                                   std::vector<std::string>* damaged,
                                                   const Removals* removals) {
    return parts_->summaries(ObjectPrefix(std::string(kManifestsFolder)), removals, std::move(stop),
                             [damaged](const ObjectName& name, CorruptionError& error) {
                                 if (damaged == nullptr) {
                                     throw error;
                                 }
                                 damaged->push_back(name.text());
                             });
}

std::vector<SnapshotSummary> Repository::snapshots_of(const SourceId& source, std::stop_token stop,
                                                      const Removals* removals) {
    return parts_->summaries(ObjectPrefix("manifests/" + source), removals, std::move(stop),
                             [this](const ObjectName& name, const CorruptionError& error) {
                                 log().warning("an object is damaged and left out of account",
                                               {{"object", name.text()}, {"error", error.what()}});
                             });
}

std::unique_ptr<Manifest> Repository::manifest(const SnapshotId& id, std::stop_token stop) {
    const auto known = [&]() -> std::optional<ObjectName> {
        const std::lock_guard lock(parts_->mutex);
        const auto found = parts_->names.find(id);
        return found == parts_->names.end() ? std::nullopt : std::optional(found->second);
    };
    std::optional<ObjectName> name = known();
    if (!name) {
        std::vector<std::string> damaged;
        static_cast<void>(snapshots(stop, &damaged));
        name = known();
    }
    std::optional<Manifest> manifest = name ? parts_->fetch_manifest(*name, stop) : std::nullopt;
    if (!manifest) {
        throw explained<ConfigError>(fmt::format("there is no snapshot {}", id),
                                     "'db-backup list' shows those that there are.",
                                     "snapshot_unknown");
    }
    return std::make_unique<Manifest>(std::move(*manifest));
}

void Repository::remember_committed(const SnapshotSummary& committed, BytesView object) {
    const ObjectName name = manifest_object_name(committed.source_id, committed.id);
    const std::lock_guard lock(parts_->mutex);
    const bool is_small = object.size() <= kCachedManifestBytesMax;
    parts_->cache.add(name.text(), is_small ? object : object.first(record_head_bytes(object)));
    parts_->cache.save(std::nullopt);
    const auto& seen = parts_->newest_seen.entries();
    const auto before = seen.find(committed.source_id);
    if (before == seen.end() || before->second.sequence < committed.sequence) {
        parts_->newest_seen.remember(committed.source_id, {committed.sequence, committed.id});
        parts_->newest_seen.save();
    }
}

SnapshotDetails Repository::details(const SnapshotId& id, std::stop_token stop) {
    return manifest(id, std::move(stop))->details;
}

}  // namespace dbbackup
