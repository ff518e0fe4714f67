#include "base/locked_memory.hpp"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is not in <cstring>
#include <sys/mman.h>

#include <mutex>
#include <new>
#include <utility>

namespace dbbackup {
namespace {

/// A key, or most passphrases.
constexpr std::size_t kCellBytes = 64;
/// A multiple of every page size in use.
constexpr std::size_t kRegionBytes = std::size_t{64} << 10U;

union Cell {
    Cell* next;
    std::uint8_t bytes[kCellBytes];  // NOLINT(modernize-avoid-c-arrays): raw memory
};

/// Pages of our own: nothing else is ever put there.
void* map_locked(std::size_t size) {
    void* const memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc();
    }
    static_cast<void>(::madvise(memory, size, MADV_DONTDUMP));
    static_cast<void>(::mlock(memory, size));
    return memory;
}

/// Cells that are free, each pointing to the next. Never given back to the system: a program has
/// few secrets at once.
struct Cells {
    std::mutex mutex;
    Cell* free = nullptr;

    void* take() {
        const std::lock_guard lock(mutex);
        if (free == nullptr) {
            Cell* const region = static_cast<Cell*>(map_locked(kRegionBytes));
            for (std::size_t index = 0; index < kRegionBytes / kCellBytes; ++index) {
                region[index].next = std::exchange(free, &region[index]);
            }
        }
        return std::exchange(free, free->next);
    }

    void give_back(void* memory) {
        const std::lock_guard lock(mutex);
        Cell* const cell = static_cast<Cell*>(memory);
        cell->next = std::exchange(free, cell);
    }
};

/// Global as the heap is, and without a destructor, so that secrets may go at any time.
constinit Cells cells;

}  // namespace

LockedBytes::LockedBytes(std::size_t size) {
    if (size == 0) {
        return;
    }
    void* const memory = size <= kCellBytes ? cells.take() : map_locked(size);
    bytes_ = {static_cast<std::uint8_t*>(memory), size};
    explicit_bzero(bytes_.data(), bytes_.size());
}

LockedBytes::LockedBytes(LockedBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

LockedBytes& LockedBytes::operator=(LockedBytes&& other) noexcept {
    if (this != &other) {
        release();
        bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
}

LockedBytes::~LockedBytes() { release(); }

void LockedBytes::release() noexcept {
    if (bytes_.empty()) {
        return;
    }
    explicit_bzero(bytes_.data(), bytes_.size());
    if (bytes_.size() <= kCellBytes) {
        cells.give_back(bytes_.data());
    } else {
        ::munmap(bytes_.data(), bytes_.size());
    }
}

}  // namespace dbbackup
