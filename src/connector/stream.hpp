#pragma once

/// @file
/// What goes between connectors and the engine: streams, cut into segments, of pages, rows or
/// opaque bytes.

#include "base/bytes.hpp"
#include "crypto/fingerprint.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// How the bytes of a stream are made, which decides where they may be cut.
enum class StreamKind : std::uint8_t {
    pages = 1,  ///< Units of one fixed size, addressed by number, that change in place.
    /// A sequence of rows; cut only between rows. Each ends with a line feed, and has no other: as
    /// the text form of PostgreSQL's COPY and of MySQL's LOAD DATA escape it. So whoever has the
    /// bytes finds the rows (`copy` does).
    rows = 2,
    opaque = 3,  ///< Bytes without known structure; cut where the content says so.
};

/// How far an object can be trusted to be of the one moment of the view.
enum class Consistency : std::uint8_t { view = 1, locked = 2, fuzzy = 3, none = 4 };

/// A slice of a stream by key range. For pages the range is [first, first + count).
struct SegmentRange {
    std::uint64_t first_page = 0;
    std::uint64_t page_count = 0;
    std::string lower;  ///< Rows: first key, in the connector's own notation; "" for the start.
    std::string upper;  ///< Rows: key after the last; "" for the end.
    friend bool operator==(const SegmentRange&, const SegmentRange&) = default;
};

enum class SegmentAction : std::uint8_t {
    read,   ///< Give every byte of the range.
    reuse,  ///< Equal to the parent's segment of the same range; will not be read.
    patch,  ///< Give only the pages that changed; the engine lays them over the parent's.
};

struct SegmentPlan {
    SegmentRange range;
    SegmentAction action = SegmentAction::read;
};

/// One named sequence of bytes to store.
struct StreamPlan {
    std::string name;  ///< "main" for SQLite; "public.orders" for a table.
    StreamKind kind = StreamKind::opaque;
    std::uint32_t page_bytes = 0;  ///< Pages only.
    std::string definition;        ///< What restoring needs to make the object, as text.
    Consistency consistency = Consistency::view;
    std::vector<SegmentPlan> segments;
};

/// What the parent snapshot says about one stream, for planning.
struct ParentStream {
    std::string name;
    StreamKind kind = StreamKind::opaque;
    std::uint32_t page_bytes = 0;
    std::uint64_t size_bytes = 0;
    std::string definition;
    /// Rows only: the ranges it was cut into. Pages are cut at fixed places, so `size_bytes` says
    /// it.
    std::vector<SegmentRange> segments;
    /// The notes on its view, where the session had several and this is the last stream of one.
    std::string state = {};
};

/// Takes the bytes of one segment. Blocks while the pipeline is full: that is the back-pressure.
/// Used by one thread at a time. Calls come in stream order.
class SegmentSink {
public:
    SegmentSink(const SegmentSink&) = delete;
    SegmentSink& operator=(const SegmentSink&) = delete;
    virtual ~SegmentSink() = default;

    /// Whole pages that follow the last ones given (`read`), or start at page `first` (`patch`).
    virtual void pages(std::uint64_t first, BytesView bytes) = 0;
    /// Whole rows. `row_ends` are offsets in `bytes`, ascending; the last one is `bytes.size()`.
    virtual void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) = 0;
    virtual void opaque(BytesView bytes) = 0;

protected:
    SegmentSink() = default;
};

/// One stored stream, for restoring. Reading is random-access and parallel.
struct StoredStream {
    std::string name;
    StreamKind kind = StreamKind::opaque;
    std::uint32_t page_bytes = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t row_count = 0;
    std::string definition;
    Fingerprint fingerprint;
};

/// Gives the bytes of one stored stream. Safe to call from several threads at once.
class StreamReader {
public:
    StreamReader(const StreamReader&) = delete;
    StreamReader& operator=(const StreamReader&) = delete;
    virtual ~StreamReader() = default;

    [[nodiscard]] virtual const StoredStream& stream() const = 0;

    /// Fills `out` from `offset`: fetches and decodes only the chunks that are needed, and keeps
    /// recently used ones. @throws CorruptionError, StorageError, Cancelled.
    virtual void read_at(std::uint64_t offset, std::span<std::uint8_t> out,
                         std::stop_token stop) = 0;

    /// Decodes everything once, on several threads. `visit` is called on those threads, with
    /// parts in no particular order, each exactly once; it must be thread-safe. That the bytes are
    /// those that were backed up is proven once this returns: nothing may be made visible before.
    virtual void read_all(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                          std::stop_token stop) = 0;

protected:
    StreamReader() = default;
};

/// Stored streams that are written side by side. Thread-safe.
class StreamGroup {
public:
    StreamGroup(const StreamGroup&) = delete;
    StreamGroup& operator=(const StreamGroup&) = delete;
    virtual ~StreamGroup() = default;

    /// All of them, in the order of the manifest.
    [[nodiscard]] virtual std::span<const StoredStream> streams() const = 0;
    /// @param index Of `streams`; each at most once. @return valid until `close`.
    [[nodiscard]] virtual StreamReader& open(std::size_t index, std::stop_token stop) = 0;
    /// What was kept for reading it is let go.
    virtual void close(std::size_t index) = 0;

protected:
    StreamGroup() = default;
};

[[nodiscard]] std::string_view consistency_name(Consistency consistency) noexcept;

}  // namespace dbbackup
