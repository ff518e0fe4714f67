#pragma once

/// @file
/// A stored stream of pages as a file that SQLite can open, read-only, without a temporary copy.
///
/// Data path: storage -> unpacker -> [stream_vfs] -> SQLite. Restoring over an existing database
/// reads through it in order, integrity_check and a selective restore in any order.
/// Source: https://www.sqlite.org/vfs.html and c3ref/io_methods.html.

#include "base/bytes.hpp"
#include "connector/connector.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

struct sqlite3_vfs;

namespace dbbackup::sqlite {

/// Registers itself with SQLite under a name of its own for as long as it lives, which must be
/// longer than every connection opened with it. Open them immutable: there are no locks and no
/// journal. One thread at a time.
class StreamVfs {
public:
    /// Whether whole blocks are read and the last one kept: for streams where reading a page costs
    /// as much as reading many.
    enum class ReadAhead : bool { no, yes };

    /// @param stream Borrowed until `detach` or the destructor.
    StreamVfs(StreamReader& stream, std::stop_token stop, ReadAhead read_ahead = ReadAhead::yes);
    StreamVfs(const StreamVfs&) = delete;
    StreamVfs& operator=(const StreamVfs&) = delete;
    ~StreamVfs();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// Reads and keeps the first and the last page, then lets go of the stream: from here on
    /// only these two pages can be read.
    void detach();
    /// The first page as stored; empty before `detach` and when there are no pages.
    [[nodiscard]] BytesView first_page() const noexcept { return first_page_; }

    /// Throws what the stream threw while SQLite was reading, if it did: SQLite itself only knows
    /// "disk I/O error". Call it before reporting any of SQLite's errors.
    void rethrow_failure() const;

    /// For SQLite's callbacks, which must not let exceptions pass: whether `out` was filled.
    enum class ReadResult : std::uint8_t { whole, past_end, failed };
    ReadResult read(std::uint64_t offset, std::span<std::uint8_t> out) noexcept;
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

private:
    void read_part(std::uint64_t offset, std::span<std::uint8_t> out);
    void read_kept(std::uint64_t offset, std::span<std::uint8_t> out) const;

    struct Unregister {
        void operator()(sqlite3_vfs* vfs) const noexcept;
    };

    StreamReader* stream_;  // null once detached
    std::stop_token stop_;
    std::uint64_t size_bytes_;
    std::uint32_t page_bytes_;
    ReadAhead read_ahead_;
    Bytes block_;  // the block read last: SQLite asks for one page at a time
    std::uint64_t block_offset_ = 0;
    Bytes first_page_;
    Bytes last_page_;
    std::exception_ptr failure_;
    std::string name_;
    std::unique_ptr<sqlite3_vfs, Unregister> vfs_;
};

}  // namespace dbbackup::sqlite
