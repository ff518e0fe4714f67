#include "engine/sealing_stage.hpp"

#include "base/error.hpp"

#include <span>
#include <utility>

namespace dbbackup {
namespace {

/// Plain bytes inside the sealers: enough that none waits, little enough that memory is bounded
/// by the number of jobs.
constexpr std::uint64_t kInsideBytesPerJob = 4_MiB;
/// What an item weighs beside its bytes, so that skipped segments and small ones are bounded too.
constexpr std::uint64_t kItemBytes = 256;

}  // namespace

SealingStage::SealingStage(BackupRun& run, bool has_parent, std::stop_token stop) : run_(run) {
    for (unsigned job = 0; job < run.jobs; ++job) {
        sealers_.push_back(std::make_unique<Sealer>(run.repository.keys(), run.writer, run.reader,
                                                    run.seal_options, run.counts, run.context.log,
                                                    stop));
    }
    const bool is_ahead = has_parent && run.seal_options.makes_deltas && run.reader.reads_ahead();
    const std::uint64_t inside_bytes_max = kInsideBytesPerJob * run.jobs;
    workers_ = std::make_unique<OrderedWorkers<Item, Sealed>>(
        run.jobs,
        is_ahead ? ExpectedItems<Item>::inside_bytes_max(run.reader, inside_bytes_max)
                 : inside_bytes_max,
        [this](Item item, unsigned worker) { return seal(std::move(item), worker); },
        [this](Sealed sealed) { deliver(std::move(sealed)); }, stop);
    if (!is_ahead) {
        return;
    }
    expected_ = std::make_unique<ExpectedItems<Item>>(
        run.reader,
        [this](Item item, std::uint64_t bytes) { workers_->push(std::move(item), bytes); });
    namers_ = std::make_unique<OrderedWorkers<Item, Item>>(
        run.jobs, inside_bytes_max / 2,
        [this](Item item, unsigned worker) { return name(std::move(item), worker); },
        [this](Item item) { expect(std::move(item)); }, stop);
}

SealingStage::~SealingStage() {
    if (namers_) {
        workers_->give_up();  // Else a namer might wait for room there.
    }
}

void SealingStage::drain() {
    if (namers_) {
        namers_->finish();
        expected_->flush();
    }
    workers_->finish();
}

void SealingStage::give_up() {
    workers_->give_up();
    if (namers_) {
        namers_->give_up();
    }
}

std::uint64_t SealingStage::bytes_of(const Item& item) {
    return kItemBytes * (1 + (item.end ? item.end->chunks.size() : 0)) +
           (item.chunk ? item.chunk->content.size() : 0);
}

void SealingStage::push(Item item) {
    const std::uint64_t bytes = bytes_of(item);
    if (namers_) {
        namers_->push(std::move(item), bytes);
    } else {
        workers_->push(std::move(item), bytes);
    }
}

SealingStage::Item SealingStage::name(Item item, unsigned worker) {
    if (item.chunk) {
        item.name = sealers_[worker]->name(*item.chunk);
        if (item.name->known) {
            item.known = item.name->known;
            item.read_bytes = item.chunk->content.size();
            item.chunk.reset();
        }
    }
    return item;
}

void SealingStage::expect(Item item) {
    const ChunkCopyPtr base = item.chunk ? item.name->base : nullptr;
    const std::uint64_t bytes = bytes_of(item);
    expected_->add(std::move(item), std::span(&base, base ? 1 : 0), bytes);
}

SealingStage::Sealed SealingStage::seal(Item item, unsigned worker) {
    if (!item.chunk) {
        return {std::move(item.segment), std::move(item.known), item.read_bytes,
                std::move(item.end)};
    }
    Sealer& sealer = *sealers_[worker];
    ChunkCopyPtr copy =
        item.name ? sealer.seal_named(*item.chunk, item.name->id) : sealer.seal(*item.chunk);
    return {std::move(item.segment), std::move(copy), item.chunk->content.size()};
}

void SealingStage::deliver(Sealed sealed) {
    run_.context.progress.bytes_done += sealed.bytes;
    run_.context.progress.bytes_stored = run_.writer.bytes_added();
    Segment& segment = *sealed.segment;
    if (!sealed.end) {
        segment.chunks.push_back(std::move(sealed.chunk));
        return;
    }
    if (sealed.end->chunks.empty()) {
        sealed.end->chunks = std::move(segment.chunks);
    }
    segment.to.take(segment.index, std::move(*sealed.end));
}

SegmentFeed::SegmentFeed(SealingStage& stage, SealedSegments& to, std::size_t index,
                         SealCounts& counts, std::stop_token stop)
    : stage_(stage),
      segment_(std::make_shared<SealingStage::Segment>(to, index, counts)),
      stop_(std::move(stop)) {}

void SegmentFeed::push_chunk(ChunkToSeal chunk) {
    ++chunks_;
    chunk.also_counted = &segment_->counts;
    push({.segment = segment_, .chunk = std::move(chunk)});
}

void SegmentFeed::push_known(ChunkCopyPtr chunk) {
    ++chunks_;
    count_reused(1);
    push({.segment = segment_, .known = std::move(chunk)});
}

void SegmentFeed::push_end(StoredSegment segment) {
    chunks_ += segment.chunks.size();
    count_reused(segment.chunks.size());
    push({.segment = std::move(segment_), .end = std::move(segment)});
}

void SegmentFeed::push(SealingStage::Item item) {
    if (stop_.stop_requested()) {
        throw Cancelled();
    }
    stage_.push(std::move(item));
}

void SegmentFeed::count_reused(std::size_t chunks) {
    stage_.run_.counts.reused += chunks;
    segment_->counts.reused += chunks;
}

}  // namespace dbbackup
