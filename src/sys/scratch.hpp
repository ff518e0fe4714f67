#pragma once

/// @file
/// Large tables that must not fill the memory: growing arrays whose bytes are moved to files
/// without a name once all of them together take more than a budget. The system keeps of a file in
/// memory what there is room for, so such pages are none of the program's own
/// (docs/decisions/0011).

#include "base/log.hpp"
#include "base/units.hpp"
#include "sys/file.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace dbbackup {

/// Where temporary files of any size may be: $TMPDIR, else first where a folder is on a disk.
[[nodiscard]] std::vector<std::filesystem::path> temporary_folders();

/// What the arrays of one task share: the budget and the folders. Outlives them. Belongs, with
/// them, to one thread.
class ScratchSpace {
public:
    static constexpr std::uint64_t kMemoryBytesMax = 64_MiB;
    /// A repository on the same disk needs room, too.
    static constexpr std::uint64_t kLeftFreeBytes = 128_MiB;

    /// @param folders For the files: tried in this order, made where they are missing.
    /// @param log Told once when no folder has room. Borrowed.
    /// @param memory_bytes_max So much of all arrays stays in memory; nothing touches a file until
    /// they take more.
    /// @param left_free_bytes A file system with less room than this is full.
    ScratchSpace(std::vector<std::filesystem::path> folders, Log& log,
                 std::uint64_t memory_bytes_max = kMemoryBytesMax,
                 std::uint64_t left_free_bytes = kLeftFreeBytes);
    ScratchSpace(const ScratchSpace&) = delete;
    ScratchSpace& operator=(const ScratchSpace&) = delete;
    ~ScratchSpace() = default;

    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return memory_bytes_; }
    [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }

private:
    friend class ScratchBlock;

    /// A file with so much room, which a full disk cannot take back. Nothing: no folder has it.
    [[nodiscard]] std::optional<File> file_with(std::uint64_t bytes);
    /// Real blocks for these bytes of the file: a page of a hole would be a signal and no error
    /// where the disk is full. @throws FileError.
    void reserve(const File& file, std::size_t begin, std::size_t end) const;

    std::vector<std::filesystem::path> folders_;
    std::size_t folder_ = 0;  ///< The first that has not refused.
    Log& log_;
    std::uint64_t memory_bytes_max_;
    std::uint64_t left_free_bytes_;
    std::uint64_t memory_bytes_ = 0;
    std::uint64_t file_bytes_ = 0;
};

/// The bytes of one array. Move-only.
class ScratchBlock {
public:
    /// Takes nothing yet. @param scratch Borrowed.
    explicit ScratchBlock(ScratchSpace& scratch) : scratch_(&scratch) {}
    ScratchBlock(ScratchBlock&& other) noexcept;
    ScratchBlock& operator=(ScratchBlock&& other) noexcept;
    ScratchBlock(const ScratchBlock&) = delete;
    ScratchBlock& operator=(const ScratchBlock&) = delete;
    ~ScratchBlock();

    [[nodiscard]] ScratchSpace& scratch() const noexcept { return *scratch_; }
    [[nodiscard]] void* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t capacity_bytes() const noexcept { return capacity_; }

    /// Makes room for `bytes` and keeps what is there; `data` changes. The new room holds anything.
    /// @throws std::bad_alloc when neither a file nor memory can be had: the bytes stay as they
    /// are.
    void grow(std::size_t bytes);

private:
    void grow_in_memory(std::size_t bytes);
    void grow_in_file(std::size_t bytes);
    void move_to_file(File file, std::size_t bytes);
    void release() noexcept;
    void replace(void* data, std::size_t bytes, std::optional<File> file) noexcept;

    ScratchSpace* scratch_;
    void* data_ = nullptr;
    std::size_t capacity_ = 0;
    std::optional<File> file_;  ///< Nothing: in anonymous memory.
};

/// Like a vector of what may be copied byte by byte. Pointers, references and spans end with the
/// next growth. Move-only; a moved-from array is empty.
template <class T>
class ScratchArray {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
    /// @param scratch Borrowed.
    explicit ScratchArray(ScratchSpace& scratch) : block_(scratch) {}
    ScratchArray(ScratchSpace& scratch, std::size_t size, const T& value) : block_(scratch) {
        resize(size, value);
    }
    ScratchArray(ScratchArray&& other) noexcept
        : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
    ScratchArray& operator=(ScratchArray&& other) noexcept {
        block_ = std::move(other.block_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    ScratchArray(const ScratchArray&) = delete;
    ScratchArray& operator=(const ScratchArray&) = delete;
    ~ScratchArray() = default;

    [[nodiscard]] ScratchSpace& scratch() const noexcept { return block_.scratch(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T* begin() noexcept { return static_cast<T*>(block_.data()); }
    [[nodiscard]] T* end() noexcept { return begin() + size_; }
    [[nodiscard]] const T* begin() const noexcept { return static_cast<const T*>(block_.data()); }
    [[nodiscard]] const T* end() const noexcept { return begin() + size_; }
    [[nodiscard]] T& operator[](std::size_t place) noexcept {
        assert(place < size_);
        return begin()[place];
    }
    [[nodiscard]] const T& operator[](std::size_t place) const noexcept {
        assert(place < size_);
        return begin()[place];
    }
    [[nodiscard]] std::span<const T> span() const noexcept { return {begin(), size_}; }
    /// @pre first + count <= size()
    [[nodiscard]] std::span<const T> span(std::size_t first, std::size_t count) const noexcept {
        return span().subspan(first, count);
    }

    void reserve(std::size_t size) {
        if (size * sizeof(T) > block_.capacity_bytes()) {
            block_.grow(size * sizeof(T));
        }
    }
    void push_back(const T& value) {
        const T copy = value;  // It may be one of ours.
        reserve(size_ + 1);
        begin()[size_++] = copy;
    }
    /// @param values None of this array.
    void append(std::span<const T> values) {
        reserve(size_ + values.size());
        std::copy(values.begin(), values.end(), end());
        size_ += values.size();
    }
    void resize(std::size_t size, const T& value) {
        reserve(size);
        if (size > size_) {
            std::fill(begin() + size_, begin() + size, value);
        }
        size_ = size;
    }
    /// Drops what follows the first `size`. @pre size <= size()
    void truncate(std::size_t size) noexcept {
        assert(size <= size_);
        size_ = size;
    }

private:
    ScratchBlock block_;
    std::size_t size_ = 0;
};

/// Collects values, each once, however often they are added: what it takes does not depend on that.
template <class T>
class ScratchSet {
public:
    /// @param scratch Borrowed.
    explicit ScratchSet(ScratchSpace& scratch) : values_(scratch) {}

    /// @param values None of this set.
    void add(std::span<const T> values) {
        values_.append(values);
        if (values_.size() - sorted_ > std::max(sorted_, kUnsortedMin)) {
            settle();
        }
    }

    /// All of them, sorted. Ends the set's use.
    [[nodiscard]] ScratchArray<T> take() {
        settle();
        return std::move(values_);
    }

private:
    /// So few are not worth being sorted.
    static constexpr std::size_t kUnsortedMin = 65'536;

    /// In place, and in passes from one end to the other, so that it may be more than memory holds.
    void settle() {
        std::sort(values_.begin(), values_.end());
        T* const last = std::unique(values_.begin(), values_.end());
        values_.truncate(static_cast<std::size_t>(last - values_.begin()));
        sorted_ = values_.size();
    }

    ScratchArray<T> values_;
    std::size_t sorted_ = 0;  ///< So many are sorted, each once.
};

}  // namespace dbbackup
