#include "engine/compaction.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "compress/compressor.hpp"
#include "engine/expected_items.hpp"
#include "pipeline/ordered_workers.hpp"
#include "pipeline/whole_packer.hpp"
#include "repository/chunk_list.hpp"
#include "repository/chunk_reader.hpp"
#include "repository/pack_writer.hpp"
#include "storage/room.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <thread>
#include <utility>

namespace dbbackup {
namespace {

/// Three packs may be on their way at once, and marker, index and outcome must still find room.
constexpr std::uint64_t kBytesOnTheirWayMax = 3 * kPackBytesMax;
constexpr std::uint64_t kReserveBytes = 8_MiB;
constexpr std::uint64_t kInsideBytesPerJob = 4_MiB;
constexpr unsigned kJobsMax = 4;
/// A delta larger than this part of the whole is not worth its base, as in a backup.
constexpr double kDeltaPartMax = 0.7;
/// Pages of any size are made of units of so many bytes (docs/decisions/0003).
constexpr std::uint32_t kUnitBytes = 128;

/// The store has room for no more.
class NoRoom final : public StorageError {
public:
    using StorageError::StorageError;
};

/// What a `Rewrite` means.
struct RewriteJob {
    ChunkCopyPtr copy;       ///< Where it is read.
    ChunkCopyPtr base;       ///< Null: whole.
    std::uint8_t depth = 0;  ///< Of the delta.
};

/// One per worker thread: it owns the codecs' working memory.
class Rewriter {
public:
    Rewriter(ChunkReader& reader, std::stop_token stop)
        : reader_(reader), stop_(std::move(stop)), delta_(make_compressor(Codec::zstd_delta, 0)) {}

    /// @throws CorruptionError, StorageError, Cancelled.
    [[nodiscard]] PackedChunk rewrite(const RewriteJob& plan) {
        // Proven by their ids: a delta against other bytes would be worth nothing.
        const Bytes content = reader_.read(*plan.copy, stop_);
        PackedChunk whole = whole_.pack(plan.copy->id, content, root_codec(*plan.copy));
        if (plan.base) {
            const Bytes base = reader_.read(*plan.base, stop_);
            const BytesView view(base);
            const auto bytes_max =
                static_cast<std::size_t>(kDeltaPartMax * static_cast<double>(whole.bytes.size()));
            // What changed in place has kept its size.
            const CompressHints hints{base.size() == content.size() ? kUnitBytes : 0};
            if (std::optional<Bytes> delta =
                    delta_->compress(content, std::span(&view, 1), hints, bytes_max)) {
                whole.form.codec = Codec::zstd_delta;
                whole.form.depth = plan.depth;
                whole.form.generation = plan.base->generation + 1;
                whole.form.base_ids = {plan.base->id};
                whole.bytes = std::move(*delta);
            }
        }
        return whole;
    }

private:
    ChunkReader& reader_;
    std::stop_token stop_;
    std::unique_ptr<Compressor> delta_;
    WholePacker whole_;
};

class Compactor {
public:
    Compactor(Repository& repository, const CompactionPlan& plan, const Context& context,
              PruneReport& report, std::stop_token stop)
        : repository_(repository),
          plan_(plan),
          context_(context),
          report_(report),
          stop_(std::move(stop)),
          writer_(repository, stop_) {}

    Compacted run() {
        try {
            context_.progress.bytes_total = plan_.bytes_to_store;
            context_.progress.phase = Phase::writing;
            move();
            rewrite();
            writer_.flush();
        } catch (const StorageError& error) {
            stop_short(error);
        }
        Compacted compacted{plan_.emptied, {}};
        try {
            compacted.stored = writer_.close();
            std::sort(compacted.stored.begin(), compacted.stored.end());
        } catch (const StorageError& error) {
            // Without an index nobody finds what was moved, so what was there before stays.
            stop_short(error);
            compacted = {};
        }
        report_.bytes_compacted += writer_.bytes_stored();
        return compacted;
    }

private:
    void stop_short(const StorageError& error) {
        repository_.log().warning("sealing anew what is still needed stopped early",
                                  {{"error", error.what()}});
        report_.is_compaction_cut_short = true;
    }

    void add(const ChunkForm& form, BytesView packed) {
        const std::optional<std::uint64_t> room = room_bytes(repository_.storage());
        if (room && *room < kReserveBytes + std::min(kBytesOnTheirWayMax, plan_.bytes_to_store)) {
            throw NoRoom(
                fmt::format("{} has room for {} bytes only", repository_.storage().url(), *room));
        }
        writer_.add(form, packed);
        context_.progress.bytes_done += packed.size();
    }

    void tell_damage(const PackName& pack, const CorruptionError& error) {
        repository_.log().warning(
            "a chunk cannot be read, so its pack stays",
            {{"object", pack_object_name(pack).text()}, {"error", error.what()}});
    }

    void move() {
        for (auto first = plan_.moves.begin(); first != plan_.moves.end();) {
            const auto last = std::find_if(first, plan_.moves.end(), [first](const Move& each) {
                return each.pack != first->pack;
            });
            move({first, last});
            first = last;
        }
    }

    /// All that is wanted of a pack comes with one request.
    /// @param moves Of one pack.
    void move(std::span<const Move> moves) {
        const CollectionView& view = plan_.copies->table().view();
        const PackDirectories& directories = *view.directories;
        const PackState& pack = view.packs[moves.front().pack];
        const std::uint64_t begin = directories.chunk(moves.front().record).offset_bytes;
        const ChunkRecord& last = directories.chunk(moves.back().record);
        const std::uint64_t length = last.offset_bytes + last.sealed_bytes - begin;
        const std::optional<Bytes> sealed =
            repository_.storage().get_range(pack_object_name(pack.name), {begin, length}, stop_);
        if (!sealed || sealed->size() < length) {
            return tell_damage(pack.name, CorruptionError("the pack has gone"));
        }
        const PackKey key(repository_.keys(), directories.salt(pack.directory));
        for (const Move& move : moves) {
            const PackEntry entry = directories.entry(pack.directory, move.record);
            const BytesView bytes =
                BytesView(*sealed).subspan(entry.offset_bytes - begin, entry.sealed_bytes);
            Bytes packed;
            try {
                packed = unseal_chunk(repository_.keys(), key, entry.form, entry.ordinal,
                                      copy_of(bytes));
            } catch (const CorruptionError& error) {
                tell_damage(pack.name, error);
                continue;
            }
            add(entry.form, packed);
        }
    }

    /// Made one by one: the closures of all would take more than may be in memory.
    [[nodiscard]] RewriteJob job_of(const Rewrite& rewrite) const {
        ChosenCopies::Known known;
        RewriteJob job{plan_.copies->full(rewrite.chunk, known), nullptr, rewrite.depth};
        if (rewrite.base != ChosenCopies::kNone) {
            job.base = plan_.copies->full(rewrite.base, known);
        }
        return job;
    }

    void rewrite() {
        using Result = std::optional<PackedChunk>;
        ChunkReader reader(repository_.storage(), repository_.keys());
        const unsigned jobs = std::clamp(std::thread::hardware_concurrency(), 1U, kJobsMax);
        std::vector<std::unique_ptr<Rewriter>> rewriters;
        for (unsigned job = 0; job < jobs; ++job) {
            rewriters.push_back(std::make_unique<Rewriter>(reader, stop_));
        }
        OrderedWorkers<RewriteJob, Result> workers(
            jobs, ExpectedItems<RewriteJob>::inside_bytes_max(reader, kInsideBytesPerJob * jobs),
            [&](const RewriteJob& job, unsigned worker) -> Result {
                try {
                    return rewriters[worker]->rewrite(job);
                } catch (const CorruptionError& error) {
                    tell_damage(job.copy->pack->name, error);
                    return std::nullopt;
                }
            },
            [this](const Result& packed) {
                if (packed) {
                    add(packed->form, packed->bytes);
                }
            },
            stop_);
        ExpectedItems<RewriteJob> items(reader, [&workers](RewriteJob job, std::uint64_t bytes) {
            workers.push(std::move(job), bytes);
        });
        for (const Rewrite& each : plan_.rewrites) {
            RewriteJob job = job_of(each);
            std::vector<ChunkCopyPtr> chunks = {job.copy};
            if (job.base) {
                chunks.push_back(job.base);
            }
            items.add(std::move(job), chunks, chunks.front()->plain_bytes);
        }
        items.flush();
        workers.finish();
    }

    Repository& repository_;
    const CompactionPlan& plan_;
    const Context& context_;
    PruneReport& report_;
    std::stop_token stop_;
    PackWriter writer_;
};

}  // namespace

Compacted compact(Repository& repository, const CompactionPlan& plan, const Context& context,
                  PruneReport& report, std::stop_token stop) {
    return Compactor(repository, plan, context, report, std::move(stop)).run();
}

}  // namespace dbbackup
