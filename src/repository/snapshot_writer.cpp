#include "repository/snapshot_writer.hpp"

#include "repository/collector_records.hpp"
#include "repository/damage_records.hpp"
#include "repository/index_objects.hpp"
#include "repository/version.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// Two packs on their way keep a disk or a line busy while the next one fills.
constexpr unsigned kUploadThreads = 2;
/// An index is put after so many packs or so long, so that what a dead run stored is found.
constexpr std::size_t kIndexEveryPacks = 8;
constexpr std::chrono::seconds kIndexEvery{60};
/// How long a run that ends without a snapshot may take to name what it stored.
constexpr std::chrono::milliseconds kLastIndexTime{500};
/// A run with at most this many chunks keeps its directory in the manifest: three objects in all.
constexpr std::size_t kInlineEntriesMax = 256;

/// Asked before the run is announced.
Repository& writable(Repository& repository) {
    repository.check_writable();
    return repository;
}

/// What is recorded as damaged provides nothing either, so that it is stored again.
/// A marker that cannot be read may name any pack. A backup goes on all the same, without referring
/// to what others stored: that costs space, and no data.
Removals removals_for_writing(Repository& repository, std::stop_token stop) {
    Removals removals =
        read_removals(repository.storage(), repository.keys(), stop,
                      [&repository](const ObjectName& name, const CorruptionError& error) {
                          repository.log().warning(
                              "a collector's record cannot be read, so everything is stored anew",
                              {{"object", name.text()}, {"error", error.what()}});
                      });
    removals.packs.merge(read_damage_records(repository, std::move(stop)));
    return removals;
}

/// Asks for a stop after some time, unless it is destroyed before.
class TimeLimit {
public:
    explicit TimeLimit(std::chrono::milliseconds limit)
        : thread_([this, limit](const std::stop_token& ended) {
              std::unique_lock lock(mutex_);
              if (!wake_.wait_for(lock, ended, limit, [] { return false; }) &&
                  !ended.stop_requested()) {
                  source_.request_stop();
              }
          }) {}

    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

private:
    std::stop_source source_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;  ///< Last: it uses the members above.
};

}  // namespace

RunGivenUp::RunGivenUp(const RunId& run)
    : RepositoryError(fmt::format("run {} was given up by a collector", run)) {
    set_hint("Run it again, and let prune wait longer with --give-up-after if this host sleeps.");
    set_code("backup_given_up");
}

SnapshotWriter::SnapshotWriter(Repository& repository, const Clock& clock, const std::string& kind,
                               SourceId source, std::stop_token stop,
                               std::size_t added_in_memory_max)
    : repository_(writable(repository)),
      clock_(clock),
      source_(std::move(source)),
      stop_(std::move(stop)),
      run_(
          repository.storage(), repository.keys(), clock, kind,
          [this](const RunId& id) { return manifest_object_name(source_, id); }, stop_),
      removals_(removals_for_writing(repository, stop_)),
      added_in_memory_max_(added_in_memory_max),
      index_put_at_(std::chrono::steady_clock::now()),
      uploader_(std::make_unique<Uploader>(
          repository.storage(), kUploadThreads,
          [this](const IndexedPack& pack) { pack_stored(pack); }, stop_)) {}

SnapshotWriter::~SnapshotWriter() {
    uploader_.reset();
    if (is_committed_ || unindexed_.empty()) {
        return;
    }
    try {
        // Not `stop_`: it has fired when Ctrl-C brought us here, and who pressed it waits.
        const TimeLimit limit(kLastIndexTime);
        put_index(unindexed_, limit.token());
    } catch (const std::exception& error) {
        repository_.log().debug("what this run stored is in no index",
                                {{"run", run_.id()}, {"error", error.what()}});
    }
}

bool SnapshotWriter::is_own(const ChunkCopy& copy) const {
    return own_packs_.with([&copy](const auto& own) { return own.contains({copy.pack->salt}); });
}

bool SnapshotWriter::is_trusted(const ChunkCopy& copy) const {
    return removals_.is_complete && !removals_.packs.contains(copy.pack->name) &&
           distrusted_.with(
               [&copy](const DamagedPacks& packs) { return !packs.contains(copy.pack->name); });
}

bool SnapshotWriter::provides(const ChunkCopyPtr& copy) const {
    // No collector knows the packs of this very run, which have no name until they are stored.
    std::vector<const ChunkCopy*> others;
    visit_closure(copy, [&](const ChunkCopy& part) {
        if (!is_own(part)) {
            others.push_back(&part);
        }
    });
    const bool all = std::all_of(others.begin(), others.end(),
                                 [this](const ChunkCopy* part) { return is_trusted(*part); });
    if (all) {
        referred_.with([&others](std::map<PackName, std::uint64_t>& packs) {
            for (const ChunkCopy* const part : others) {
                std::uint64_t& bytes = packs[part->pack->name];
                bytes = std::max(bytes, part->offset_bytes + part->sealed_bytes);
            }
        });
    }
    return all;
}

ChunkCopyPtr SnapshotWriter::current(const ChunkCopyPtr& named, HeldAs held_as) {
    const bool is_held = held_as == HeldAs::whole_or_delta || named->depth == 0;
    return is_held && provides(named) ? named : find(named->id, held_as);
}

void SnapshotWriter::distrust(const ChunkCopy& copy, const std::string& why) {
    distrusted_.with([&](DamagedPacks& packs) { packs.emplace(copy.pack->name, why); });
}

void SnapshotWriter::distrust(const DamagedPacks& packs) {
    distrusted_.with([&packs](DamagedPacks& all) { all.insert(packs.begin(), packs.end()); });
}

SnapshotWriter::DamagedPacks SnapshotWriter::distrusted() const {
    return distrusted_.with([](const DamagedPacks& packs) { return packs; });
}

bool SnapshotWriter::refers_to_distrusted() const {
    const DamagedPacks damaged = distrusted();
    return referred_.with([&damaged](const std::map<PackName, std::uint64_t>& packs) {
        return std::any_of(packs.begin(), packs.end(),
                           [&](const auto& pack) { return damaged.contains(pack.first); });
    });
}

void SnapshotWriter::look_for_referred_packs() {
    const auto referred = referred_.with([](const auto& packs) { return packs; });
    for (const auto& [pack, bytes] : referred) {
        const ObjectName name = pack_object_name(pack);
        const std::optional<std::uint64_t> found = repository_.storage().size_bytes(name, stop_);
        if (!found || *found < bytes) {
            distrust(DamagedPacks{
                {pack, fmt::format("{} is {}", name.text(), found ? "too short" : "missing")}});
        }
    }
}

ChunkCopyPtr SnapshotWriter::find(const ChunkId& id, HeldAs held_as) {
    if (ChunkCopyPtr own = find_added(id, held_as)) {
        return own;
    }
    const std::lock_guard lock(lookup_mutex_);
    if (!index_) {
        // Loaded at the first chunk that is not the parent's: an unchanged source needs none.
        index_ = load_chunk_index(repository_, source_, removals_, stop_);
    }
    ChunkCopyPtr copy = index_->find(id, held_as);
    return copy && provides(copy) ? copy : nullptr;
}

ChunkCopyPtr SnapshotWriter::find_added(const ChunkId& id, HeldAs held_as) {
    const std::lock_guard lock(mutex_);
    const auto own = added_.find(id);
    return own != added_.end() && (held_as == HeldAs::whole_or_delta || own->second->depth == 0)
               ? own->second
               : nullptr;
}

ChunkCopyPtr SnapshotWriter::add(ChunkForm form, BytesView packed,
                                 std::vector<ChunkCopyPtr> bases) {
    if (form.plain_bytes > kChunkPlainBytesMax) {
        // No reader would take it, so it must not be in a snapshot.
        throw Error(fmt::format("a chunk of {} bytes is larger than any may be", form.plain_bytes));
    }
    form.depth = 0;
    form.base_ids.clear();
    for (const ChunkCopyPtr& base : bases) {
        form.base_ids.push_back(base->id);
        form.depth = std::max<std::uint8_t>(form.depth, static_cast<std::uint8_t>(base->depth + 1));
    }
    repository_.announce(form.codec, stop_);
    std::unique_lock lock(mutex_);
    if (ChunkCopyPtr own = added_copy(form)) {
        return own;
    }
    while (!open_.builder || !open_.builder->has_room(form, packed.size())) {
        if (open_.builder) {
            submit_open(lock);
        } else if (is_submitting_) {
            // Whoever wakes first begins the next pack; the others then use that one.
            if (!submitted_.wait(lock, stop_, [this] { return !is_submitting_; })) {
                throw Cancelled();
            }
        } else {
            open_.builder = std::make_unique<PackBuilder>(repository_.keys());
            open_.identity = std::make_shared<PackIdentity>();
            open_.identity->salt = open_.builder->salt();
            own_packs_.with([this](auto& own) { own.insert({open_.identity->salt}); });
        }
    }
    if (ChunkCopyPtr own = added_copy(form)) {  // By another thread while this one waited.
        return own;
    }
    for (const ChunkCopyPtr& base : bases) {
        // Lists are written once the packs of their chunks are stored, and name those of bases.
        if (base->pack != open_.identity && !is_stored(*base)) {
            throw Error("a chunk was made a delta on one that is not stored yet");
        }
    }
    const PackEntry entry = open_.builder->add(form, packed);
    ChunkCopyPtr copy = copy_in(open_.identity, entry, std::move(bases));
    added_[form.id] = copy;
    return copy;
}

ChunkCopyPtr SnapshotWriter::added_copy(const ChunkForm& form) const {
    const auto own = added_.find(form.id);
    return own != added_.end() && own->second->depth <= form.depth ? own->second : nullptr;
}

void SnapshotWriter::submit_open(std::unique_lock<std::mutex>& lock) {
    OpenPack full = std::exchange(open_, {});
    is_submitting_ = true;
    lock.unlock();
    std::exception_ptr failure;
    try {
        submit(std::move(full));
    } catch (...) {
        failure = std::current_exception();
    }
    lock.lock();
    is_submitting_ = false;
    submitted_.notify_all();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

void SnapshotWriter::submit(OpenPack pack) {
    std::vector<PackEntry> entries = pack.builder->entries();
    Bytes content = pack.builder->finish();
    bytes_added_ += content.size();
    uploader_->submit(std::move(content), std::move(entries), std::move(pack.identity));
}

void SnapshotWriter::hand_over() {
    // A run that met damage may start over, and then tells what it stored as new.
    if (uploader_->has_room() && distrusted().empty()) {
        submit_rest();
    }
}

void SnapshotWriter::submit_rest() {
    std::unique_lock lock(mutex_);
    OpenPack rest = std::exchange(open_, {});
    lock.unlock();
    if (rest.builder) {
        submit(std::move(rest));
    }
}

void SnapshotWriter::flush() {
    submit_rest();
    uploader_->wait();
}

void SnapshotWriter::move_to_index(const IndexedPack& pack) {
    {
        const std::lock_guard lock(mutex_);
        if (added_.size() <= added_in_memory_max_) {
            return;
        }
    }
    {
        // There first, so that it is found all the while. Nothing was looked up, and so nothing
        // will be, where there is no index.
        const std::lock_guard lock(lookup_mutex_);
        if (!index_) {
            return;
        }
        index_->add(pack, {});
    }
    const std::lock_guard lock(mutex_);
    for (const PackEntry& entry : pack.entries) {
        const auto own = added_.find(entry.form.id);
        if (own != added_.end() && own->second->pack->salt == pack.salt) {
            added_.erase(own);
        }
    }
}

void SnapshotWriter::pack_stored(const IndexedPack& pack) {
    move_to_index(pack);
    std::vector<IndexedPack> due;
    {
        const std::lock_guard lock(index_mutex_);
        unindexed_.push_back(pack);
        unindexed_entries_ += pack.entries.size();
        const auto now = std::chrono::steady_clock::now();
        if (unindexed_.size() >= kIndexEveryPacks || unindexed_entries_ >= kIndexEntriesMax ||
            now - index_put_at_ >= kIndexEvery) {
            due = std::exchange(unindexed_, {});
            unindexed_entries_ = 0;
            index_put_at_ = now;
        }
    }
    if (due.empty()) {
        return;
    }
    try {
        put_index(due, stop_);
    } catch (...) {
        const std::lock_guard lock(index_mutex_);
        unindexed_.insert(unindexed_.end(), due.begin(), due.end());  // The destructor tries again.
        unindexed_entries_ += entry_count(due);
        throw;
    }
}

void SnapshotWriter::put_index(const std::vector<IndexedPack>& packs, std::stop_token stop) {
    const ObjectName name = index_object_name();
    put_counted(name, encode_index_object(repository_, name, packs), std::move(stop));
    const std::lock_guard lock(index_mutex_);
    indexes_.push_back(name.text());
}

PutResult SnapshotWriter::put_counted(const ObjectName& name, BytesView content,
                                      std::stop_token stop) {
    const PutResult result = repository_.storage().put(name, content, std::move(stop));
    bytes_added_ += content.size();
    return result;
}

void SnapshotWriter::commit(Manifest& manifest) {
    flush();
    // Lists in the manifest refer to packs by name, so all of them stand by now.
    if (indexes_.empty() && entry_count(unindexed_) <= kInlineEntriesMax) {
        manifest.inline_index = unindexed_;
    } else if (!unindexed_.empty()) {
        put_index(unindexed_, stop_);
        unindexed_.clear();
    }
    manifest.indexes = indexes_;
    for (const auto& [pack, why] : distrusted()) {
        manifest.details.warnings.push_back(fmt::format(
            "the repository is damaged: {}. This snapshot does without it; earlier ones "
            "may need it, as 'db-backup verify --data' tells",
            why));
    }
    SnapshotSummary& summary = manifest.details.summary;
    summary.id = run_.id();
    summary.source_id = source_;
    if (!summary.origin) {  // A copy goes on to tell who read the database, and when.
        summary.ended_at = clock_.now();
        manifest.details.program_version = kProgramVersion;
        manifest.details.host = host_name();
    }
    const ObjectName name = manifest_object_name(source_, run_.id());
    // The manifest counts itself too: its size with one number changed differs by a few bytes.
    summary.bytes_added = bytes_added_ + encode_manifest(repository_.keys(), name, manifest).size();
    const Bytes object = encode_manifest(repository_.keys(), name, manifest);
    // What this program cannot read again must not be called a snapshot.
    static_cast<void>(decode_manifest(repository_.keys(), name, object));
    if (put_counted(name, object, stop_) == PutResult::exists) {
        throw RunGivenUp(run_.id());
    }
    is_committed_ = true;
    manifest.object_digest = sha256(object);
    repository_.remember_committed(summary, object);
}

}  // namespace dbbackup
