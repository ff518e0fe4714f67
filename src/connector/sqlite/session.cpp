#include "connector/sqlite/session.hpp"

#include "base/error.hpp"
#include "connector/sqlite/reachability.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr std::size_t kChangeCounter = 24;  // offset in the file header

std::vector<SegmentPlan> segments_of(const View& view) {
    const std::uint64_t pages = kSegmentBytes / view.page_bytes();
    std::vector<SegmentPlan> segments;
    for (std::uint64_t first = 0; first < view.page_count(); first += pages) {
        SegmentPlan segment;
        segment.range.first_page = first;
        segment.range.page_count = std::min(pages, view.page_count() - first);
        segments.push_back(std::move(segment));
    }
    return segments;
}

SpoolLimits limits_of(const SourceOptions& options) {
    SpoolLimits limits;
    limits.file_bytes = options.spool_bytes;
    limits.directory = options.spool_directory;
    if (limits.directory.empty()) {
        std::error_code missing;  // then there is no spool file, which `finish` tells
        limits.directory = std::filesystem::temp_directory_path(missing);
    }
    return limits;
}

}  // namespace

ViewOptions view_options(const SourceOptions& options) {
    return {.path = real_path(options.database),
            .allow_corrupt = options.allow_corrupt,
            .lock_timeout = options.lock_timeout};
}

SqliteSession::SqliteSession(const SourceOptions& options, const BackupRequest& request,
                             const Clock& clock, std::stop_token stop)
    : parent_(request.parent),
      must_read_(request.must_read),
      clock_(clock),
      limits_(limits_of(options)),
      view_(view_options(options), std::move(stop)) {
    identity_ = identity_of(view_.path());
}

void SqliteSession::name_stream(std::string name, std::uint64_t objects_bytes_max) {
    stream_name_ = std::move(name);
    objects_bytes_max_ = std::min(objects_bytes_max, kObjectsBytesMax);
}

std::vector<std::string> SqliteSession::tables() {
    std::vector<std::string> names;
    if (!view_.is_damaged()) {
        view_.database().query("SELECT name FROM sqlite_schema WHERE type='table'",
                               [&](const Row& row) { names.emplace_back(row.text(0)); });
    }
    return names;
}

std::vector<StreamPlan> SqliteSession::plan() {
    signs_ = take_signs(view_, clock_.now());
    StreamPlan stream;
    stream.name = stream_name_;
    stream.kind = StreamKind::pages;
    stream.page_bytes = view_.page_bytes();
    stream.definition = definition_of(view_, objects_bytes_max_);
    stream.consistency = view_.is_damaged() ? Consistency::none : Consistency::view;
    stream.segments = segments_of(view_);
    if (!parent_) {
        capture_ = Capture::full;
    } else if (is_parent_unchanged()) {
        capture_ = Capture::unchanged;
        for (SegmentPlan& segment : stream.segments) {
            segment.action = SegmentAction::reuse;
        }
    } else {
        capture_ = Capture::compared;
    }
    return {std::move(stream)};
}

bool SqliteSession::is_parent_unchanged() const {
    if (must_read_ || parent_->position.source_id != identity_ || parent_->streams.size() != 1 ||
        view_.is_damaged()) {
        return false;
    }
    const ParentStream& stream = parent_->streams.front();
    // Equal sizes mean equal segments: they are cut at fixed places.
    if (stream.kind != StreamKind::pages || stream.page_bytes != view_.page_bytes() ||
        stream.size_bytes != view_.size_bytes()) {
        return false;
    }
    const std::optional<Signs> before = Signs::parse(parent_->state);
    return before && proves_unchanged(*before, signs_);
}

void SqliteSession::release_view() {
    view_.check_held();
    settle(signs_, view_, clock_.now());
    const auto held = view_.end();
    if (view_.blocks_writers()) {
        writers_waited_ = held;
    }
    is_released_ = true;
}

void SqliteSession::start_spool() {
    if (view_.size_bytes() > limits_.memory_bytes) {
        clone_ = clone_file(view_.path(), limits_.directory);
        if (clone_) {
            release_view();
            return;
        }
    }
    spool_ = std::make_unique<Spool>(
        limits_, view_.size_bytes(),
        [this](std::uint64_t offset, std::span<std::uint8_t> out) {
            view_.read_pages(offset / view_.page_bytes(), out);
        },
        [this] { release_view(); });
}

void SqliteSession::read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
                         std::stop_token stop) {
    const std::uint64_t begin = segment.range.first_page * stream.page_bytes;
    const std::uint64_t end = begin + segment.range.page_count * stream.page_bytes;
    // Of an unchanged database little is read: samples, and what the parent cannot give any more.
    // A spool would read all of it.
    if (capture_ != Capture::unchanged && view_.blocks_writers() && !spool_ && !clone_) {
        start_spool();
    }
    Bytes block;
    for (std::uint64_t offset = begin; offset < end; offset += kBlockBytes) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        block = next_block(offset, std::min(kBlockBytes, end - offset), std::move(block), stop);
        sink.pages(offset / stream.page_bytes, block);
    }
}

Bytes SqliteSession::next_block(std::uint64_t offset, std::uint64_t length, Bytes used,
                                std::stop_token stop) {
    if (spool_) {
        return spooled_block(offset, std::move(used), std::move(stop));
    }
    Bytes block = std::move(used);
    block.resize(length);
    if (clone_) {
        read_clone(offset, block);
    } else {
        view_.read_pages(offset / view_.page_bytes(), block);
    }
    return block;
}

void SqliteSession::read_clone(std::uint64_t offset, std::span<std::uint8_t> out) const {
    try {
        if (clone_->read_at(offset, out) == out.size() || view_.is_damaged()) {
            return;
        }
    } catch (const FileError& error) {
        throw SourceError(error.what());
    }
    throw SourceError(
        fmt::format("the clone of {} is shorter than the file", view_.path().native()));
}

Bytes SqliteSession::spooled_block(std::uint64_t offset, Bytes used, std::stop_token stop) {
    if (offset < spool_offset_) {
        throw SourceError("segments of a SQLite database can only be read in ascending order");
    }
    while (true) {
        Bytes block = spool_->take(stop, std::move(used));
        const std::uint64_t at = spool_offset_;
        spool_offset_ += block.size();
        if (at == offset || block.empty()) {
            return block;
        }
        used = std::move(block);
    }
}

Position SqliteSession::position() const {
    Position position;
    position.source_id = identity_;
    const auto& log = view_.wal_state();
    if (log) {
        position.history = to_hex(log->salts());
    }
    position.value = fmt::format(
        "change counter {}{}", header_field(view_.image_header(), kChangeCounter),
        log ? fmt::format(", log frame {} ({})", log->frame_count(), to_hex(log->last_checksum()))
            : std::string());
    return position;
}

SessionEnd SqliteSession::finish(std::stop_token stop) {
    if (spool_) {
        spool_->wait_released(std::move(stop));
    }
    if (!is_released_) {
        release_view();
    }
    SessionEnd end;
    end.position = position();
    end.state = signs_.text();
    end.consistency = view_.is_damaged() ? Consistency::none : Consistency::view;
    end.warnings = view_.warnings();
    if (spool_ && !spool_->file_problem().empty()) {
        end.warnings.push_back("writers may have waited longer: " + spool_->file_problem());
    }
    end.is_incomplete = view_.is_damaged();
    end.bytes_read = view_.bytes_read() + (clone_ ? view_.size_bytes() : 0);
    end.writers_waited = writers_waited_;
    return end;
}

}  // namespace dbbackup::sqlite
