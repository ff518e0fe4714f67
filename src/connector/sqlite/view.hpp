#pragma once

/// @file
/// One consistent view of a SQLite database: its pages as they are at one moment, read through
/// SQLite's own file handles while SQLite's own locks keep that moment in place.
///
/// Data path: [view] -> spool (rollback journal mode only) -> session -> engine.
///
/// Which bytes are the image, and why nobody can change them meanwhile:
/// - *Rollback journal.* The connection holds SHARED. A writer needs EXCLUSIVE to write the file,
///   so the file is the image, and writers wait.
/// - *Write-ahead log, everything copied back* (nBackfill = mxFrame). The file alone is the image.
///   Either we hold read lock 0, which a checkpoint needs exclusively before it writes the file;
///   or we hold a read mark at or below mxFrame, beyond which a checkpoint may not copy.
/// - *Write-ahead log, not everything copied back* (nBackfill < mxFrame). Then the lock can not be
///   read lock 0 (walTryBeginRead in wal.c takes that one only when nBackfill = mxFrame), so it is
///   a read mark, and a log with a read mark in use is never started over. The image is the file
///   overlaid by frames 1 to mxFrame; a checkpoint running beside writes only pages that are in
///   those frames.
/// - *Write-ahead log, at rest*: there is no log or an empty one, and opening the database with one
///   would make companions that its owner could not use (companions.hpp). The file alone is the
///   image. It is read under SHARED, which keeps it from leaving WAL mode; a program that opens it
///   meanwhile writes its log, which does not matter, but may also copy it back. That is noticed
///   rather than prevented: it changes the ctime, which therefore must be settled (signs.hpp)
///   before the log is looked for, and the same at the end.
/// Which of the middle two it is, and mxFrame itself, are read from the wal-index: header, begin,
/// nBackfill, header again. Equal headers (each commit counts one up) mean that the view began in
/// exactly that state; otherwise the transaction is ended and begun again.

#include "connector/sqlite/companions.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/reachability.hpp"
#include "connector/sqlite/wal.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

inline constexpr std::size_t kFileHeaderBytes = 100;

/// The first bytes of a database file. Source: https://www.sqlite.org/fileformat2.html, 1.3.
using FileHeader = std::array<std::uint8_t, kFileHeaderBytes>;

/// A big-endian field of the header.
[[nodiscard]] std::uint32_t header_field(const FileHeader& header, std::size_t offset) noexcept;

struct ViewOptions {
    std::filesystem::path path;  ///< Canonical.
    bool allow_corrupt = false;
    std::chrono::milliseconds lock_timeout{5000};
};

/// How the image is put together; see the head of this file.
enum class Layout : std::uint8_t { rollback, log_copied, log_overlay, at_rest, immutable };

/// Holds the locks from its constructor until `end` or its destructor. One thread at a time.
class View {
public:
    /// @throws SourceError with code source_missing, source_unreadable, source_locked,
    /// source_corrupt or not_a_database; Cancelled.
    View(const ViewOptions& options, std::stop_token stop);

    [[nodiscard]] std::uint32_t page_bytes() const noexcept { return page_bytes_; }
    [[nodiscard]] std::uint64_t page_count() const noexcept { return page_count_; }
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return page_count_ * page_bytes_; }
    [[nodiscard]] Layout layout() const noexcept { return layout_; }
    /// Whether writers wait for this view.
    [[nodiscard]] bool blocks_writers() const noexcept { return layout_ == Layout::rollback; }
    /// The header as the database file holds it, and as the image does.
    [[nodiscard]] const FileHeader& file_header() const noexcept { return file_header_; }
    [[nodiscard]] const FileHeader& image_header() const noexcept { return image_header_; }
    /// The state of the write-ahead log; nothing without one.
    [[nodiscard]] const std::optional<WalState>& wal_state() const noexcept { return wal_state_; }
    /// The log's own header; zeros where there is none.
    [[nodiscard]] std::array<std::uint8_t, kWalHeaderBytes> wal_header() const;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return options_.path; }
    [[nodiscard]] Database& database() noexcept { return *database_; }
    /// "wal", "delete" ...; as SQLite names it.
    [[nodiscard]] std::string journal_mode();
    /// What is damaged although it was read, and what else people should know.
    [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }
    [[nodiscard]] bool is_damaged() const noexcept { return is_damaged_; }
    /// How often the transaction had to begin until the state was known.
    [[nodiscard]] unsigned attempts() const noexcept { return attempts_; }

    /// Fills `out`, whole pages, from the 0-based page `first` of the image.
    void read_pages(std::uint64_t first, std::span<std::uint8_t> out);
    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

    /// @throws SourceError (code view_lost) when the bytes that the locks should have kept in
    /// place are no longer there.
    void check_held();
    /// Ends the transaction; nothing can be read afterwards. Returns how long it was held.
    std::chrono::milliseconds end() noexcept;

private:
    // Opening: view_open.cpp.
    void open(std::stop_token stop);
    [[nodiscard]] bool open_once(std::stop_token stop);
    [[nodiscard]] bool open_otherwise(const SqliteError& error, std::stop_token stop);
    [[nodiscard]] bool open_at_rest(std::stop_token stop);
    [[nodiscard]] bool is_obstructed();
    void connect(OpenOptions::Access access, std::stop_token stop);
    void disconnect() noexcept;
    void hold_shared(std::stop_token stop);
    void wait_until_settled(std::stop_token stop);
    void begin();
    bool begin_at_known_state(const WalIndex& index);
    void begin_in_log(std::stop_token stop);
    void read_facts(std::stop_token stop);
    [[nodiscard]] std::uint64_t count_pages();
    void check_readable();
    void note_damage(const std::string& what);
    void overlay(std::uint64_t first, std::span<std::uint8_t> out, std::uint64_t in_file);

    ViewOptions options_;
    CompanionVfs companions_;  // longer than the connection
    std::unique_ptr<Database> database_;
    StatementHandle start_;
    FileHandle file_;
    FileHandle log_;
    Layout layout_ = Layout::rollback;
    std::optional<WalState> wal_state_;
    std::optional<WalFrames> frames_;
    std::optional<FileFacts> resting_;     // at rest: what the file must remain
    std::optional<SourceError> obstacle_;  // a permission that was missing when last tried
    FileHeader file_header_{};
    FileHeader image_header_{};
    std::uint64_t file_bytes_ = 0;
    std::uint32_t page_bytes_ = 0;
    std::uint64_t page_count_ = 0;
    std::uint64_t bytes_read_ = 0;
    unsigned attempts_ = 0;
    bool is_damaged_ = false;
    bool is_open_ = false;
    std::vector<std::string> warnings_;
    std::chrono::steady_clock::time_point began_;
};

}  // namespace dbbackup::sqlite
