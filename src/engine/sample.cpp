#include "engine/sample.hpp"

#include "base/error.hpp"
#include "engine/segment_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

/// What is read of pages at a time: little, but more than one page of the usual size.
constexpr std::uint64_t kPartBytes = 16_KiB;
/// A prime, so that a segment's parts take turns in an order that no pattern of writes has.
constexpr std::uint64_t kPartStride = 7919;

/// Keeps what a connector gives.
class SampleSink final : public SegmentSink {
public:
    SampleSink(const Fingerprinter& fingerprinter, std::uint32_t page_bytes, SampleProof proof)
        : fingerprinter_(fingerprinter), page_bytes_(page_bytes), proof_(proof) {}

    void pages(std::uint64_t first_page, BytesView bytes) override {
        if (proof_ == SampleProof::segment_fingerprint) {
            fingerprint_ += fingerprinter_.of_pages(bytes, page_bytes_, first_page);
        } else {
            content_.insert(content_.end(), bytes.begin(), bytes.end());
        }
    }
    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override {
        std::size_t start = 0;
        for (const std::uint32_t end : row_ends) {
            fingerprint_ += fingerprinter_.of(bytes.subspan(start, end - start), 0);
            start = end;
        }
    }
    /// Opaque streams have no fingerprint and no change record, so they are never skipped.
    void opaque(BytesView) override {}

    [[nodiscard]] BytesView content() const { return content_; }
    [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }

private:
    const Fingerprinter& fingerprinter_;
    std::uint32_t page_bytes_;
    SampleProof proof_;
    Bytes content_;
    Fingerprint fingerprint_;
};

struct Skipped {
    std::size_t stream;
    const SegmentPlan* segment;
};

std::vector<Skipped> skipped_segments(const std::vector<StreamPlan>& plans) {
    std::vector<Skipped> skipped;
    for (std::size_t stream = 0; stream < plans.size(); ++stream) {
        for (const SegmentPlan& segment : plans[stream].segments) {
            if (segment.action == SegmentAction::reuse &&
                plans[stream].kind != StreamKind::opaque) {
                skipped.push_back({stream, &segment});
            }
        }
    }
    return skipped;
}

/// How many of `segments` one run takes.
std::uint64_t samples_in_run(const std::vector<StreamPlan>& plans, std::uint64_t segments,
                             SampleProof proof) {
    const bool has_rows = std::any_of(plans.begin(), plans.end(), [](const StreamPlan& plan) {
        return plan.kind == StreamKind::rows;
    });
    if (has_rows) {
        return (segments + kRowSampleRuns - 1) / kRowSampleRuns;
    }
    std::uint64_t part_bytes = kPartBytes;
    for (const StreamPlan& plan : plans) {
        part_bytes = std::max<std::uint64_t>(part_bytes, plan.page_bytes);
    }
    return std::min((segments + kSampleRuns - 1) / kSampleRuns,
                    proof == SampleProof::segment_fingerprint ? kWholeSamplesMax
                                                              : kSampleBytesMax / part_bytes);
}

/// The part of `segment` whose turn it is at visit number `visit`.
SegmentRange part_of(const StreamPlan& plan, const SegmentRange& segment, std::uint64_t visit,
                     SampleProof proof) {
    SegmentRange part = segment;
    if (proof == SampleProof::stored_bytes && plan.kind == StreamKind::pages &&
        plan.page_bytes > 0 && segment.page_count > 0) {
        const std::uint64_t pages = std::max<std::uint64_t>(1, kPartBytes / plan.page_bytes);
        const std::uint64_t parts = (segment.page_count + pages - 1) / pages;
        const std::uint64_t first = visit * kPartStride % parts * pages;
        part.first_page = segment.first_page + first;
        part.page_count = std::min(pages, segment.page_count - first);
    }
    return part;
}

/// The parent's bytes of these pages. @pre They lie in `segment`.
/// @throws CorruptionError; then nothing refers to the damaged chunk any more.
Bytes stored_pages(const StoredSegment& segment, const SegmentRange& part, std::uint32_t page_bytes,
                   BackupRun& run, const std::stop_token& stop) {
    const std::uint64_t begin = (part.first_page - segment.range.first_page) * page_bytes;
    const std::uint64_t end = begin + part.page_count * page_bytes;
    Bytes result;
    std::uint64_t start = 0;
    for (const ChunkCopyPtr& chunk : segment.chunks) {
        const std::uint64_t from = std::max(begin, start);
        const std::uint64_t to = std::min(end, start + chunk->plain_bytes);
        if (from < to) {
            Bytes plain;
            try {
                plain = run.reader.read(*chunk, stop);
            } catch (const CorruptionError& error) {
                run.writer.distrust(*chunk, error.what());
                throw;
            }
            result.insert(result.end(), plain.begin() + static_cast<std::ptrdiff_t>(from - start),
                          plain.begin() + static_cast<std::ptrdiff_t>(to - start));
        }
        start += chunk->plain_bytes;
    }
    return result;
}

/// A session may give segments in ascending order only.
void sort_by_place(std::vector<Sample>& samples) {
    std::sort(samples.begin(), samples.end(), [](const Sample& left, const Sample& right) {
        return std::tie(left.stream, left.part.first_page) <
               std::tie(right.stream, right.part.first_page);
    });
}

std::string place_of(const StreamPlan& plan, const SegmentRange& part) {
    return plan.kind == StreamKind::pages
               ? fmt::format("pages {} to {} of stream '{}'", part.first_page,
                             part.first_page + part.page_count - 1, plan.name)
               : fmt::format("rows of stream '{}'", plan.name);
}

}  // namespace

std::vector<Sample> choose_samples(const std::vector<StreamPlan>& plans, std::uint64_t sequence,
                                   SampleProof proof) {
    const std::vector<Skipped> skipped = skipped_segments(plans);
    std::vector<Sample> samples;
    if (skipped.empty()) {
        return samples;
    }
    const std::uint64_t count = samples_in_run(plans, skipped.size(), proof);
    for (std::uint64_t number = 0; number < count; ++number) {
        const std::uint64_t turn = sequence * count + number;
        const Skipped& next = skipped[turn % skipped.size()];
        samples.push_back(
            {next.stream, next.segment->range,
             part_of(plans[next.stream], next.segment->range, turn / skipped.size(), proof)});
    }
    sort_by_place(samples);
    return samples;
}

std::vector<Sample> choose_samples_of_view(const std::vector<StreamPlan>& plans,
                                           std::uint64_t sequence, const ViewPlace& place,
                                           SampleProof proof) {
    std::vector<std::pair<std::size_t, const SegmentPlan*>> segments;
    for (std::size_t stream = 0; stream < plans.size(); ++stream) {
        for (const SegmentPlan& segment : plans[stream].segments) {
            segments.emplace_back(stream, &segment);
        }
    }
    std::vector<Sample> samples;
    const std::uint64_t total = std::max<std::uint64_t>(1, place.segments_in_all);
    const std::uint64_t count = samples_in_run(plans, total, proof);
    for (std::uint64_t number = 0; number < count; ++number) {
        const std::uint64_t turn = sequence * count + number;
        // Where there are more than was known before, every place that is congruent has its turn.
        const std::uint64_t before = place.segments_before % total;
        for (std::uint64_t index = (turn % total + total - before) % total; index < segments.size();
             index += total) {
            const auto& [stream, segment] = segments[index];
            if (segment->action == SegmentAction::reuse &&
                plans[stream].kind != StreamKind::opaque) {
                samples.push_back({stream, segment->range,
                                   part_of(plans[stream], segment->range, turn / total, proof)});
            }
        }
    }
    sort_by_place(samples);
    return samples;
}

std::optional<Mismatch> compare_samples(const std::vector<Sample>& samples,
                                        const std::vector<StreamPlan>& plans,
                                        const Manifest& parent, Session& session, BackupRun& run,
                                        SampleProof proof, std::stop_token stop) {
    for (const Sample& sample : samples) {
        const StreamPlan& plan = plans[sample.stream];
        const StreamContents* const stream = parent.stream_named(plan.name);
        if (stream == nullptr) {
            throw Error("the connector planned to skip what the parent does not have");
        }
        try {
            SegmentLists lists(*stream, run.reader);
            const StoredSegment* const stored = lists.find(sample.segment, plan.kind, stop);
            if (stored == nullptr || stored->range != sample.segment ||
                (plan.kind == StreamKind::rows && stored->bytes > kRowSampleBytesMax)) {
                continue;  // Without such a segment the engine reads it all.
            }
            SampleSink sink(run.repository.keys().fingerprinter(), plan.page_bytes, proof);
            session.read(plan, {sample.part, SegmentAction::read}, sink, stop);
            const bool is_same =
                plan.kind == StreamKind::pages && proof == SampleProof::stored_bytes
                    ? std::ranges::equal(sink.content(), stored_pages(*stored, sample.part,
                                                                      plan.page_bytes, run, stop))
                    : sink.fingerprint() == stored->fingerprint;
            if (!is_same) {
                return Mismatch{place_of(plan, sample.part), stored->read_sequence};
            }
        } catch (const CorruptionError& error) {
            // Says nothing about the database. What is stored there is not referred to again.
            run.context.log.warning("what is stored of a skipped segment is damaged",
                                    {{"stream", plan.name}, {"error", error.what()}});
        }
    }
    return std::nullopt;
}

}  // namespace dbbackup
