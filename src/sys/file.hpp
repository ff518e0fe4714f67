#pragma once

/// @file
/// Files as the rest of the program needs them: created without overwriting, durable, replaced
/// atomically, read whole or by range. Every failure is an error that names the path.

#include "base/bytes.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace dbbackup {

/// An open file; closes itself. Move-only. Positional calls are safe from several threads.
class File {
public:
    enum class Mode : std::uint8_t {
        read,        ///< An existing file, for reading.
        write_new,   ///< A new file, for both; fails when the name exists.
        read_write,  ///< An existing file, for both.
    };

    /// Opens with O_CLOEXEC.
    /// @param permissions Of a new file, further cut by the umask.
    /// @throws FileError.
    static File open(const std::filesystem::path& path, Mode mode, unsigned permissions = 0600);
    /// A file without a name in `directory`, 0600, gone when closed (O_TMPFILE, else made and
    /// unlinked at once).
    static File temporary(const std::filesystem::path& directory);
    /// A file without a name in `directory`, 0600, gone when closed unless `name_file` gave it one.
    /// Nothing where the file system has no such files, or there is no /proc to name them by.
    static std::optional<File> unnamed(const std::filesystem::path& directory);
    /// Takes over an open descriptor; `path` is for messages.
    static File adopt(int descriptor, std::filesystem::path path);

    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t size_bytes() const;
    /// Reads up to `out.size()` bytes at `offset`; fewer only at the end of the file.
    std::size_t read_at(std::uint64_t offset, std::span<std::uint8_t> out) const;
    /// Writes all of `content` at `offset`.
    void write_at(std::uint64_t offset, BytesView content);
    /// Asks the file system to set room aside, which makes writing there cheaper. The file keeps
    /// its size. A refusal is not told: the writes will tell what matters.
    void reserve(std::uint64_t offset, std::uint64_t bytes) noexcept;
    void truncate(std::uint64_t size_bytes);
    /// Content and length are durable once this returns.
    void sync();
    /// What can fail about closing fails here, not in the destructor.
    void close();

private:
    File(int descriptor, std::filesystem::path path);

    int descriptor_ = -1;
    std::filesystem::path path_;
};

/// Reads the whole file (a pipe too), or nothing when there is none. @throws FileError, also
/// (EFBIG) when it is larger than `bytes_max`.
[[nodiscard]] std::optional<Bytes> read_file(const std::filesystem::path& path,
                                             std::uint64_t bytes_max);

/// Replaces `path` by `content` so that a crash leaves the old or the new file whole: written
/// beside, synced, renamed, folder synced.
/// @param permissions Exactly those that the file has afterwards, whatever the umask.
void replace_file(const std::filesystem::path& path, BytesView content, unsigned permissions);

/// Makes the entries of a folder durable (names created, renamed or removed in it), as far as the
/// file system can.
void sync_directory(const std::filesystem::path& directory);

/// Renames without replacing. Returns false when `to` exists. Uses renameat2(RENAME_NOREPLACE),
/// or link and unlink where the file system lacks it.
[[nodiscard]] bool rename_no_replace(const std::filesystem::path& from,
                                     const std::filesystem::path& to);

/// The second of those two ways. @throws FileError where there are no hard links.
[[nodiscard]] bool rename_by_link(const std::filesystem::path& from,
                                  const std::filesystem::path& to);

/// Gives a file made by `File::unnamed` its name. Returns false when `to` exists.
[[nodiscard]] bool name_file(const File& file, const std::filesystem::path& to);

/// Bytes that an unprivileged process may still write on the file system of `path`.
[[nodiscard]] std::uint64_t free_bytes(const std::filesystem::path& path);

}  // namespace dbbackup
