#include "connector/sqlite/spool.hpp"

#include "base/error.hpp"
#include "sys/file_error.hpp"

#include <algorithm>
#include <utility>

namespace dbbackup::sqlite {
namespace {

/// Room in the file is asked for this much at a time: the writes take a third of the processor
/// time then (ext4, Linux 6.18), and writers of the database wait for them.
constexpr std::uint64_t kSlotsReserved = 16;

}  // namespace

Spool::Spool(SpoolLimits limits, std::uint64_t size_bytes, Read read, Release release)
    : limits_(std::move(limits)),
      size_bytes_(size_bytes),
      read_(std::move(read)),
      release_(std::move(release)),
      reader_([this](std::stop_token stop) { run(std::move(stop)); }) {}

Spool::~Spool() = default;

void Spool::run(std::stop_token stop) {
    std::exception_ptr failure;
    try {
        Bytes block;
        for (std::uint64_t offset = 0; offset < size_bytes_; offset += kBlockBytes) {
            if (stop.stop_requested()) {
                throw Cancelled();
            }
            block.resize(std::min(kBlockBytes, size_bytes_ - offset));
            read_(offset, block);
            put(block, stop);
        }
        release_();
    } catch (...) {
        failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    is_released_ = true;
    changed_.notify_all();
}

void Spool::put(Bytes& block, const std::stop_token& stop) {
    while (!put_in_memory(block) && !put_in_file(block)) {
        std::unique_lock lock(mutex_);
        const bool has_room = changed_.wait(lock, stop, [&] {
            return fits_in_memory(block.size()) || (file_problem_.empty() && !free_slots_.empty());
        });
        if (!has_room) {
            throw Cancelled();
        }
    }
}

bool Spool::fits_in_memory(std::uint64_t length) const {
    return entries_.empty() || memory_used_ + length <= limits_.memory_bytes;
}

bool Spool::put_in_memory(Bytes& block) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t length = block.size();
    if (!fits_in_memory(length)) {
        return false;
    }
    memory_used_ += length;
    entries_.push_back({std::exchange(block, {}), std::nullopt, length});
    changed_.notify_all();
    return true;
}

std::optional<std::uint64_t> Spool::reserve_slot() {
    const std::lock_guard lock(mutex_);
    if (!file_problem_.empty()) {
        return std::nullopt;
    }
    if (!free_slots_.empty()) {
        const std::uint64_t slot = free_slots_.back();
        free_slots_.pop_back();
        return slot;
    }
    if ((slots_made_ + 1) * kBlockBytes > limits_.file_bytes) {
        return std::nullopt;
    }
    return slots_made_++;
}

bool Spool::put_in_file(const Bytes& block) {
    const std::optional<std::uint64_t> slot = reserve_slot();
    if (!slot) {
        return false;
    }
    try {
        if (!file_) {
            file_ = File::temporary(limits_.directory);
        }
        const std::uint64_t offset = *slot * kBlockBytes;
        if (*slot % kSlotsReserved == 0) {
            file_->reserve(offset,
                           std::min(kSlotsReserved * kBlockBytes, limits_.file_bytes - offset));
        }
        file_->write_at(offset, block);
    } catch (const Error& error) {
        // A full or missing folder is no reason to fail: memory is there, writers wait longer.
        const std::lock_guard lock(mutex_);
        file_problem_ = error.what();
        return false;
    }
    const std::lock_guard lock(mutex_);
    entries_.push_back({{}, slot, block.size()});
    changed_.notify_all();
    return true;
}

void Spool::read_slot(std::uint64_t slot, std::span<std::uint8_t> out) const {
    try {
        if (file_->read_at(slot * kBlockBytes, out) == out.size()) {
            return;
        }
    } catch (const FileError& error) {
        throw SourceError(error.what());
    }
    throw SourceError("the spool file is shorter than what was written to it");
}

Bytes Spool::take(std::stop_token stop, Bytes used) {
    Entry entry;
    {
        std::unique_lock lock(mutex_);
        const bool is_ready = changed_.wait(
            lock, stop, [&] { return failure_ || is_released_ || !entries_.empty(); });
        if (!is_ready) {
            throw Cancelled();
        }
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        if (entries_.empty()) {
            return {};
        }
        entry = std::move(entries_.front());
        entries_.pop_front();
        if (!entry.slot) {
            memory_used_ -= entry.length;
            changed_.notify_all();
        }
    }
    if (entry.slot) {
        entry.bytes = std::move(used);
        entry.bytes.resize(entry.length);
        read_slot(*entry.slot, entry.bytes);
        const std::lock_guard lock(mutex_);
        free_slots_.push_back(*entry.slot);
        changed_.notify_all();
    }
    return std::move(entry.bytes);
}

void Spool::wait_released(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return is_released_; })) {
        throw Cancelled();
    }
    if (failure_) {
        std::rethrow_exception(failure_);
    }
}

std::string Spool::file_problem() {
    const std::lock_guard lock(mutex_);
    return file_problem_;
}

}  // namespace dbbackup::sqlite
