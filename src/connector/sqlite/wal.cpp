#include "connector/sqlite/wal.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace dbbackup::sqlite {
namespace {

constexpr int kWalIndexRegionBytes = 32768;  // WALINDEX_PGSZ
constexpr std::size_t kHeaderWords = kWalIndexHeaderBytes / 4;
constexpr std::size_t kCopiedFramesWord = 2 * kHeaderWords;  // WalCkptInfo follows both copies
constexpr std::uint32_t kWalVersion = 3007000;

// Offsets in struct WalIndexHdr; its integers are in the machine's own order.
constexpr std::size_t kIsInit = 12;
constexpr std::size_t kPageBytes = 14;
constexpr std::size_t kFrameCount = 16;
constexpr std::size_t kPageCount = 20;
constexpr std::size_t kFrameChecksum = 24;
constexpr std::size_t kSalts = 32;
constexpr std::size_t kChecksum = 40;

template <class Integer>
Integer native_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
    Integer value{};
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

std::uint32_t big_endian_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
    return std::uint32_t{bytes[offset]} << 24U | std::uint32_t{bytes[offset + 1]} << 16U |
           std::uint32_t{bytes[offset + 2]} << 8U | std::uint32_t{bytes[offset + 3]};
}

/// Source: walformat.html, section 4.4 "Checksum algorithm", in the machine's own byte order.
bool is_checksum_valid(std::span<const std::uint8_t> header) {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    for (std::size_t offset = 0; offset < kChecksum; offset += 8) {
        first += native_at<std::uint32_t>(header, offset) + second;
        second += native_at<std::uint32_t>(header, offset + 4) + first;
    }
    return first == native_at<std::uint32_t>(header, kChecksum) &&
           second == native_at<std::uint32_t>(header, kChecksum + 4);
}

/// Null when it cannot be shared.
const volatile std::uint32_t* map_index(const FileHandle& database_file) {
    sqlite3_file* const file = database_file.handle();
    volatile void* region = nullptr;
    int code = SQLITE_CANTOPEN;
    if (file->pMethods->iVersion >= 2 && file->pMethods->xShmMap != nullptr) {
        code = file->pMethods->xShmMap(file, 0, kWalIndexRegionBytes, 0, &region);
    }
    // SQLITE_READONLY: mapped, but this user may only read it. Its locks work all the same.
    const bool is_mapped = code == SQLITE_OK || code == SQLITE_READONLY;
    return is_mapped ? static_cast<const volatile std::uint32_t*>(region) : nullptr;
}

SourceError log_changed() {
    return explained<SourceError>("the write-ahead log was changed under the view",
                                  "Another program dropped this process's locks; try again.",
                                  "view_lost");
}

}  // namespace

std::uint32_t WalState::frame_count() const noexcept {
    return native_at<std::uint32_t>(raw, kFrameCount);
}

std::uint32_t WalState::page_count() const noexcept {
    return native_at<std::uint32_t>(raw, kPageCount);
}

std::uint32_t WalState::page_bytes() const noexcept {
    // 65536 does not fit the field and is stored as 1.
    const auto stored = native_at<std::uint16_t>(raw, kPageBytes);
    return (stored & 0xfe00U) + ((stored & 1U) << 16U);
}

std::array<std::uint8_t, 8> WalState::last_checksum() const noexcept {
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t half = 0; half < 2; ++half) {
        const auto value = native_at<std::uint32_t>(raw, kFrameChecksum + half * 4);
        for (std::size_t index = 0; index < 4; ++index) {
            bytes[half * 4 + index] = static_cast<std::uint8_t>(value >> (24U - 8U * index));
        }
    }
    return bytes;
}

std::array<std::uint8_t, 8> WalState::salts() const noexcept {
    std::array<std::uint8_t, 8> bytes{};
    std::memcpy(bytes.data(), raw.data() + kSalts, bytes.size());
    return bytes;
}

std::optional<WalState> read_wal_state(const volatile std::uint32_t* index) {
    // Writers change the second copy first, and readers read the first copy first (wal.c,
    // walIndexWriteHdr and walIndexTryHdr): two equal copies with a valid checksum are whole.
    std::array<std::uint32_t, kHeaderWords> first{};
    std::array<std::uint32_t, kHeaderWords> second{};
    for (std::size_t word = 0; word < kHeaderWords; ++word) {
        first[word] = index[word];
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (std::size_t word = 0; word < kHeaderWords; ++word) {
        second[word] = index[kHeaderWords + word];
    }
    WalState state;
    std::memcpy(state.raw.data(), first.data(), state.raw.size());
    if (first != second || state.raw[kIsInit] == 0 || first[0] != kWalVersion ||
        !is_checksum_valid(state.raw)) {
        return std::nullopt;
    }
    return state;
}

WalIndex::WalIndex(const FileHandle& database_file)
    : file_(database_file), index_(map_index(database_file)) {
    if (index_ == nullptr) {
        throw explained<SourceError>(
            "cannot share the index of the write-ahead log with other programs",
            "Run as a user who may write it, or copy the database and its -wal file together to a "
            "writable folder, and back up the copy.",
            "source_unreadable");
    }
}

bool WalIndex::is_shared(const FileHandle& database_file) {
    return map_index(database_file) != nullptr;
}

std::optional<WalState> WalIndex::state() const {
    file_.handle()->pMethods->xShmBarrier(file_.handle());
    return read_wal_state(index_);
}

std::uint32_t WalIndex::copied_frames() const {
    file_.handle()->pMethods->xShmBarrier(file_.handle());
    return index_[kCopiedFramesWord];
}

WalFrames::WalFrames(FileHandle log, const WalState& state, std::stop_token stop)
    : log_(std::move(log)), state_(state), page_bytes_(state.page_bytes()) {
    std::array<std::uint8_t, kWalFrameHeaderBytes> header{};
    const auto salts = state_.salts();
    std::size_t sorted = 0;
    for (std::uint32_t frame = 1; frame <= state_.frame_count(); ++frame) {
        if (frame % 4096 == 0 && stop.stop_requested()) {
            throw Cancelled();
        }
        const std::uint32_t number =
            log_.read_at(offset_of(frame), header) ? big_endian_at(header, 0) : 0;
        if (number == 0 || !std::equal(salts.begin(), salts.end(), header.begin() + 8)) {
            throw log_changed();
        }
        // Pages past the end of the view belong to commits before a VACUUM that made it shorter.
        if (number <= state_.page_count()) {
            pages_.emplace_back(number, frame);
        }
        // A log much longer than the database must not make the map longer than the database.
        if (pages_.size() >= 2 * sorted + 65536) {
            keep_newest();
            sorted = pages_.size();
        }
    }
    keep_newest();
    check_held();
}

void WalFrames::keep_newest() {
    std::sort(pages_.begin(), pages_.end());
    auto kept = pages_.begin();
    for (auto entry = pages_.begin(); entry != pages_.end(); ++entry) {
        const auto next = entry + 1;
        if (next == pages_.end() || next->first != entry->first) {
            *kept++ = *entry;
        }
    }
    pages_.erase(kept, pages_.end());
}

std::uint64_t WalFrames::offset_of(std::uint32_t frame) const noexcept {
    return kWalHeaderBytes + (frame - 1ULL) * (kWalFrameHeaderBytes + page_bytes_);
}

std::vector<WalFrames::Entry>::const_iterator WalFrames::lower_bound(std::uint32_t number) const {
    return std::lower_bound(pages_.begin(), pages_.end(), Entry{number, 0});
}

std::optional<std::uint32_t> WalFrames::find(std::uint32_t number) const {
    const auto entry = lower_bound(number);
    if (entry == pages_.end() || entry->first != number) {
        return std::nullopt;
    }
    return entry->second;
}

void WalFrames::read(std::uint32_t frame, std::uint32_t number, std::span<std::uint8_t> out) const {
    // Page first, header last: a log that was started over writes the header before the page, so
    // a header that still fits proves the page read before it.
    std::array<std::uint8_t, kWalFrameHeaderBytes> header{};
    const bool is_whole = log_.read_at(offset_of(frame) + kWalFrameHeaderBytes, out) &&
                          log_.read_at(offset_of(frame), header);
    const auto salts = state_.salts();
    if (!is_whole || big_endian_at(header, 0) != number ||
        !std::equal(salts.begin(), salts.end(), header.begin() + 8)) {
        throw log_changed();
    }
}

void WalFrames::check_held() const {
    std::array<std::uint8_t, kWalHeaderBytes> header{};
    std::array<std::uint8_t, kWalFrameHeaderBytes> last{};
    const auto salts = state_.salts();
    const auto checksum = state_.last_checksum();
    if (!log_.read_at(0, header) || !std::equal(salts.begin(), salts.end(), header.begin() + 16) ||
        big_endian_at(header, 8) != page_bytes_ ||
        !log_.read_at(offset_of(state_.frame_count()), last) ||
        !std::equal(checksum.begin(), checksum.end(), last.begin() + 16)) {
        throw log_changed();
    }
}

}  // namespace dbbackup::sqlite
