#pragma once

/// @file
/// A backup of one SQLite database: one stream "main" of pages, in segments of 2 MiB.
///
/// Data path: view -> (clone | spool | nothing between) -> [session] -> engine.

#include "base/clock.hpp"
#include "connector/connector.hpp"
#include "connector/sqlite/clone.hpp"
#include "connector/sqlite/definition.hpp"
#include "connector/sqlite/signs.hpp"
#include "connector/sqlite/spool.hpp"
#include "connector/sqlite/view.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// The size of a chunk, so that a segment's fingerprint proves its chunk as the base of a delta.
inline constexpr std::uint64_t kSegmentBytes = 2_MiB;
inline constexpr const char* kStreamName = "main";

[[nodiscard]] ViewOptions view_options(const SourceOptions& options);

/// Reads in order on the caller's thread; `read` must be called with segments in ascending order.
class SqliteSession final : public Session {
public:
    /// @param clock Borrowed; outlives the session.
    SqliteSession(const SourceOptions& options, const BackupRequest& request, const Clock& clock,
                  std::stop_token stop);

    /// Before `plan`, for one of several databases. @param objects_bytes_max See `definition_of`.
    void name_stream(std::string name, std::uint64_t objects_bytes_max);
    /// The names of its tables; none if it is damaged.
    [[nodiscard]] std::vector<std::string> tables();

    std::vector<StreamPlan> plan() override;
    [[nodiscard]] Capture capture() const override { return capture_; }
    [[nodiscard]] std::string reason() const override { return {}; }
    [[nodiscard]] unsigned readers_max() const override { return 1; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override;
    SessionEnd finish(std::stop_token stop) override;

private:
    [[nodiscard]] bool is_parent_unchanged() const;
    void start_spool();
    void release_view();
    Bytes next_block(std::uint64_t offset, std::uint64_t length, Bytes used, std::stop_token stop);
    void read_clone(std::uint64_t offset, std::span<std::uint8_t> out) const;
    Bytes spooled_block(std::uint64_t offset, Bytes used, std::stop_token stop);
    [[nodiscard]] Position position() const;

    std::optional<Parent> parent_;
    bool must_read_;
    const Clock& clock_;
    SpoolLimits limits_;
    std::string stream_name_ = kStreamName;
    std::uint64_t objects_bytes_max_ = kObjectsBytesMax;
    std::string identity_;
    View view_;
    Signs signs_;
    Capture capture_ = Capture::full;
    bool is_released_ = false;
    std::chrono::milliseconds writers_waited_{0};
    std::optional<File> clone_;
    std::uint64_t spool_offset_ = 0;
    std::unique_ptr<Spool> spool_;  // its thread uses what is above
};

}  // namespace dbbackup::sqlite
