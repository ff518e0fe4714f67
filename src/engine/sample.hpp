#pragma once

/// @file
/// Proves that what a backup skips is what the parent snapshot holds: a few parts of the skipped
/// segments are read all the same and compared, other ones in each run.
///
/// Data path: beside it: segments to reuse -> [samples] -> compared with the parent's chunks.

#include "connector/connector.hpp"
#include "engine/backup_run.hpp"
#include "repository/manifest.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// A part of a skipped segment to read. `stream` is a place in the plans.
struct Sample {
    std::size_t stream = 0;
    SegmentRange segment;  ///< As it was planned.
    SegmentRange part;     ///< Pages: some of it; else all of it.
};

/// In so many runs every skipped segment of pages has its turn, or in more where `kSampleBytesMax`
/// is too little for that.
inline constexpr std::uint64_t kSampleRuns = 50;
/// The most that is read of pages for samples in one run.
inline constexpr std::uint64_t kSampleBytesMax = 512_KiB;

/// Rows can only be compared by the fingerprint of a whole segment, so each takes more reading: in
/// so many runs every skipped segment of rows has its turn. A source of 50 segments has them in 50
/// runs, as one is read in any case.
inline constexpr std::uint64_t kRowSampleRuns = 1000;
/// Longer segments of rows have no turn.
inline constexpr std::uint64_t kRowSampleBytesMax = 16_MiB;

/// The most samples of one run where they are whole segments of pages.
inline constexpr std::uint64_t kWholeSamplesMax = 4;

/// What a sample is compared with.
enum class SampleProof : bool {
    stored_bytes,         ///< A part of a segment with the bytes that the parent stored of it.
    segment_fingerprint,  ///< A whole segment with its fingerprint: reads more of the database, and
                          ///< nothing of a store where each reading costs a request.
};

/// Which parts run `sequence` reads. A pure function: no state is kept from run to run.
[[nodiscard]] std::vector<Sample> choose_samples(const std::vector<StreamPlan>& plans,
                                                 std::uint64_t sequence,
                                                 SampleProof proof = SampleProof::stored_bytes);

/// Where one of several views stands among all of them.
struct ViewPlace {
    std::uint64_t segments_before = 0;  ///< Planned in the views before it.
    std::uint64_t segments_in_all = 0;  ///< As far as that is known before all are planned.
};

/// The same for one of several views: which of the samples that run `sequence` takes in all views
/// together are in this one. A segment that is read anyway needs none.
[[nodiscard]] std::vector<Sample> choose_samples_of_view(
    const std::vector<StreamPlan>& plans, std::uint64_t sequence, const ViewPlace& place,
    SampleProof proof = SampleProof::stored_bytes);

/// A skipped segment that is not what the parent holds.
struct Mismatch {
    std::string what;                 ///< For people: which stream and where.
    std::uint64_t read_sequence = 0;  ///< The snapshot for which the segment was last read.
};

/// Reads the samples through `session` and compares them with what the parent has of them.
/// A stored chunk that turns out to be damaged leaves deduplication, so that its segment is read.
/// @return The first that differs; nothing if all is well. @throws SourceError, StorageError.
[[nodiscard]] std::optional<Mismatch> compare_samples(const std::vector<Sample>& samples,
                                                      const std::vector<StreamPlan>& plans,
                                                      const Manifest& parent, Session& session,
                                                      BackupRun& run, SampleProof proof,
                                                      std::stop_token stop);

}  // namespace dbbackup
