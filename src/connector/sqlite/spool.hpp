#pragma once

/// @file
/// Lets a source be read at memory speed while its bytes are taken at the speed of an upload.
///
/// Data path: view -> [spool] -> session -> engine. Used where writers of the database wait for
/// the reading (rollback journal mode), so that they wait for one pass of reading and no longer.

#include "base/bytes.hpp"
#include "base/units.hpp"
#include "sys/file.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup::sqlite {

/// The unit in which blocks move; a multiple of every page size.
inline constexpr std::uint64_t kBlockBytes = 1_MiB;

struct SpoolLimits {
    std::uint64_t memory_bytes = 64_MiB;
    std::uint64_t file_bytes = 1_GiB;  ///< 0: no file.
    std::filesystem::path directory;   ///< Of the file, which has no name and is 0600.
};

/// A first-in, first-out buffer in memory, then in a file, with a reader thread that fills it.
/// When both are full the reader waits. `take` and the destructor belong to one thread.
class Spool {
public:
    /// Fills `out` from byte `offset` of the source. Called on the reader thread only.
    using Read = std::function<void(std::uint64_t offset, std::span<std::uint8_t> out)>;
    /// Called on the reader thread once everything was read: releases the source.
    using Release = std::function<void()>;

    /// Starts reading `size_bytes` at once.
    Spool(SpoolLimits limits, std::uint64_t size_bytes, Read read, Release release);
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;
    /// Stops the reader and waits for it.
    ~Spool();

    /// The next block, `kBlockBytes` long except for the last one; empty after the last one.
    /// @param used A block that is no longer needed, whose memory may serve again.
    /// @throws Cancelled; what the reader threw.
    [[nodiscard]] Bytes take(std::stop_token stop, Bytes used = {});

    /// Waits until the source was released. @throws what the reader threw; Cancelled.
    void wait_released(std::stop_token stop);

    /// Why the file could not be used although it was wanted; empty if it could.
    [[nodiscard]] std::string file_problem();

private:
    struct Entry {
        Bytes bytes;
        std::optional<std::uint64_t> slot;  ///< In the file instead, at slot * kBlockBytes.
        std::uint64_t length = 0;
    };

    void run(std::stop_token stop);
    /// Leaves `block` empty, or as it was when it went to the file.
    void put(Bytes& block, const std::stop_token& stop);
    /// With `mutex_` held. A block larger than the whole budget may be alone in it.
    [[nodiscard]] bool fits_in_memory(std::uint64_t length) const;
    bool put_in_memory(Bytes& block);
    bool put_in_file(const Bytes& block);
    std::optional<std::uint64_t> reserve_slot();
    void read_slot(std::uint64_t slot, std::span<std::uint8_t> out) const;

    SpoolLimits limits_;
    std::uint64_t size_bytes_;
    Read read_;
    Release release_;
    std::optional<File> file_;  // made by the reader; read by the taker after a slot was queued

    std::mutex mutex_;
    std::condition_variable_any changed_;
    // Guarded by mutex_, which is held neither while reading the source nor during file I/O:
    std::deque<Entry> entries_;
    std::uint64_t memory_used_ = 0;
    std::uint64_t slots_made_ = 0;
    std::vector<std::uint64_t> free_slots_;
    std::string file_problem_;
    std::exception_ptr failure_;
    bool is_released_ = false;

    std::jthread reader_;  // last: starts when everything else is there, is joined first
};

}  // namespace dbbackup::sqlite
