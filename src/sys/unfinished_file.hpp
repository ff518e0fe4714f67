#pragma once

/// @file
/// A file that gets its name once it is whole. Until then nobody sees it, and nothing is left of it
/// when the process dies, however it dies.

#include "sys/file.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dbbackup {

/// One thread at a time.
class UnfinishedFile {
public:
    /// How it waits for its name.
    enum class Way : std::uint8_t {
        unnamed,  ///< Without any, where the file system can (O_TMPFILE), else as `hidden`.
        hidden,   ///< As ".NAME.db-backup-XXXXXX", locked (flock), so that the next one removes it
                  ///< when this process was killed.
    };

    /// Makes an empty file, 0600, in the folder of `target`. @throws FileError.
    explicit UnfinishedFile(const std::filesystem::path& target, Way way = Way::unnamed);
    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;
    /// Removes what got no name.
    ~UnfinishedFile();

    [[nodiscard]] File& file() noexcept { return *file_; }
    /// Gives it its name and closes it. Returns false when somebody has that name. @throws
    /// FileError.
    [[nodiscard]] bool publish();

private:
    void make_hidden();
    void remove_abandoned() const noexcept;

    std::filesystem::path target_;
    std::filesystem::path hidden_;  ///< Empty without a hidden name.
    std::optional<File> file_;
};

}  // namespace dbbackup
