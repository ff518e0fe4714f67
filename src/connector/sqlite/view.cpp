#include "connector/sqlite/view.hpp"

#include "connector/sqlite/damage.hpp"
#include "connector/sqlite/reachability.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace dbbackup::sqlite {
namespace {

SourceError view_lost(const std::filesystem::path& path) {
    return explained<SourceError>(
        fmt::format("{} was changed although it was locked", path.native()),
        "A program writes the file without SQLite's locks; stop it and try again.", "view_lost");
}

/// What a checkpoint does to a database that is read at rest.
SourceError woken(const std::filesystem::path& path) {
    return explained<SourceError>(
        fmt::format("{} was opened and written by another program while it was read",
                    path.native()),
        "Try again; a backup that runs as the owner of the database, or as root, need not.",
        "view_lost");
}

/// The page that lies where SQLite puts its locks: it has no content and is never written, so
/// that a log never has it. Source: https://www.sqlite.org/fileformat2.html, 1.6 "The Lock-Byte
/// Page".
std::uint64_t lock_page(std::uint32_t page_bytes) {
    constexpr std::uint64_t kUsual = 0x40000000;
    // Asked, not set: tests move it, as a database of a gigabyte would be slow to make.
    const int moved = sqlite3_test_control(SQLITE_TESTCTRL_PENDING_BYTE, 0U);
    return (moved > 0 ? static_cast<std::uint64_t>(moved) : kUsual) / page_bytes + 1;
}

}  // namespace

std::uint32_t header_field(const FileHeader& header, std::size_t offset) noexcept {
    return std::uint32_t{header[offset]} << 24U | std::uint32_t{header[offset + 1]} << 16U |
           std::uint32_t{header[offset + 2]} << 8U | std::uint32_t{header[offset + 3]};
}

void View::read_facts(std::stop_token stop) {
    page_bytes_ = static_cast<std::uint32_t>(database_->integer("PRAGMA page_size"));
    file_bytes_ = file_.size_bytes();
    page_count_ = count_pages();
    file_.read_at(0, file_header_);
    bytes_read_ += std::min<std::uint64_t>(file_bytes_, kFileHeaderBytes);
    image_header_ = file_header_;
    if (layout_ == Layout::log_overlay) {
        frames_.emplace(log_, *wal_state_, stop);
        bytes_read_ += wal_state_->frame_count() * kWalFrameHeaderBytes;
        std::vector<std::uint8_t> page(page_bytes_);
        read_pages(0, page);
        std::copy_n(page.begin(), image_header_.size(), image_header_.begin());
    }
}

std::uint64_t View::count_pages() {
    try {
        return static_cast<std::uint64_t>(database_->integer("PRAGMA page_count"));
    } catch (const SqliteError& error) {
        if (error.primary_code() != SQLITE_CORRUPT) {
            throw;
        }
        note_damage(error.what());  // the schema, which SQLite wants to read first
    }
    if (wal_state_ && wal_state_->page_count() > 0) {
        return wal_state_->page_count();
    }
    return (file_bytes_ + page_bytes_ - 1) / page_bytes_;
}

void View::check_readable() {
    if (layout_ != Layout::log_overlay && file_bytes_ < size_bytes()) {
        note_damage(fmt::format("the file is {} bytes shorter than its header says",
                                size_bytes() - file_bytes_));
    }
    for (const std::string& problem : damage_in_header(image_header_, page_count_)) {
        note_damage(problem);
    }
    if (is_damaged_ || page_count_ == 0) {
        return;  // Roots and schema of a damaged file are not worth a second message.
    }
    try {
        for (const std::string& problem : damage_in_roots(*this)) {
            note_damage(problem);
        }
    } catch (const SqliteError& error) {
        if (error.primary_code() != SQLITE_CORRUPT) {
            throw;
        }
        note_damage(error.what());
    }
}

void View::note_damage(const std::string& what) {
    if (layout_ == Layout::at_rest) {
        check_held();  // A checkpoint halfway through looks like damage.
    }
    if (!options_.allow_corrupt) {
        throw explained<SourceError>(
            fmt::format("{} is damaged: {}", options_.path.native(), what),
            "Repair it, restore an earlier snapshot, or back up what is there with "
            "--allow-corrupt.",
            "source_corrupt");
    }
    is_damaged_ = true;
    warnings_.push_back("the database is damaged: " + what);
}

std::array<std::uint8_t, kWalHeaderBytes> View::wal_header() const {
    std::array<std::uint8_t, kWalHeaderBytes> header{};
    if (log_.is_open()) {
        log_.read_at(0, header);
    }
    return header;
}

std::string View::journal_mode() {
    if (layout_ == Layout::at_rest) {
        return "wal";  // SQLite itself was told that there is none.
    }
    if (is_damaged_) {
        return wal_state_ ? "wal" : "delete";
    }
    return database_->text("PRAGMA journal_mode");
}

void View::read_pages(std::uint64_t first, std::span<std::uint8_t> out) {
    const std::uint64_t offset = first * page_bytes_;
    const bool is_within_file = file_.read_at(offset, out);
    bytes_read_ += out.size();
    std::uint64_t in_file = out.size();
    if (!is_within_file) {
        const std::uint64_t now = file_.size_bytes();
        in_file = now > offset ? std::min<std::uint64_t>(now - offset, out.size()) : 0;
    }
    if (frames_) {
        overlay(first, out, in_file);
    } else if (in_file < out.size() && !is_damaged_) {
        throw layout_ == Layout::at_rest ? woken(options_.path) : view_lost(options_.path);
    }
}

void View::overlay(std::uint64_t first, std::span<std::uint8_t> out, std::uint64_t in_file) {
    const std::uint64_t count = out.size() / page_bytes_;
    std::uint64_t missing = (out.size() - in_file + page_bytes_ - 1) / page_bytes_;
    // Page numbers in the log count from 1.
    const std::uint64_t unused = lock_page(page_bytes_);
    if (unused > first && unused <= first + count && (unused - first) * page_bytes_ > in_file) {
        --missing;
    }
    frames_->visit_range(static_cast<std::uint32_t>(first + 1),
                         static_cast<std::uint32_t>(first + count),
                         [&](std::uint32_t number, std::uint32_t frame) {
                             const std::uint64_t place = (number - 1 - first) * page_bytes_;
                             frames_->read(frame, number, out.subspan(place, page_bytes_));
                             bytes_read_ += page_bytes_;
                             if (place + page_bytes_ > in_file) {
                                 --missing;
                             }
                         });
    if (missing > 0) {
        note_damage(fmt::format("{} pages are neither in the file nor in its log", missing));
    }
}

void View::check_held() {
    if (layout_ == Layout::at_rest) {
        if (facts_of(options_.path) != resting_) {
            throw woken(options_.path);
        }
        return;
    }
    if (frames_) {
        frames_->check_held();
        return;  // A checkpoint may write the file; its pages are in the frames.
    }
    FileHeader now{};
    file_.read_at(0, now);
    if (now != file_header_ || file_.size_bytes() != file_bytes_) {
        throw view_lost(options_.path);
    }
}

std::chrono::milliseconds View::end() noexcept {
    if (!is_open_) {
        return {};
    }
    is_open_ = false;
    start_.reset();
    frames_.reset();
    // Closing cannot fail for a reader: it releases the locks whatever the transaction's state.
    database_.reset();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 began_);
}

}  // namespace dbbackup::sqlite
