#pragma once

/// @file
/// A file that lines are appended to, by any number of processes, and that is rotated before it
/// becomes too large or too old.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// When the file is rotated, and how many old ones stay.
struct LogRotation {
    std::uint64_t bytes_max = 0;                  ///< It never grows beyond this by more lines.
    std::uint32_t keep = 0;                       ///< `run.1.log` is the newest of these.
    std::optional<std::chrono::seconds> age_max;  ///< Of its first line, as that itself says.
};

/// Not thread-safe. Several processes may have one file: a line is appended whole or, when the file
/// system refuses it, perhaps in part; and no line is lost when one of them rotates.
class LogFile {
public:
    /// Makes the file, 0600, and its folder where they are missing.
    /// @throws std::system_error when it cannot be opened.
    LogFile(const std::filesystem::path& path, const LogRotation& rotation);
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    ~LogFile();

    /// Appends a line and its break, after a rotation when one is due.
    /// @throws std::system_error when the file system refuses one of them; the line is written even
    /// if it cannot be rotated.
    void write(std::string_view line);

private:
    void open();
    void close() noexcept;
    /// Whether the name still leads to the open file: another process may have rotated.
    [[nodiscard]] bool is_current() const;
    [[nodiscard]] bool is_due(std::uint64_t more_bytes);
    /// Returns 0, or what went wrong as `errno`.
    [[nodiscard]] int rotate();
    [[nodiscard]] std::filesystem::path old_path(std::uint32_t number) const;

    std::filesystem::path path_;
    LogRotation rotation_;
    int descriptor_ = -1;
    std::string buffer_;
    /// When the open file began, once it is known.
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> begun_at_;
};

}  // namespace dbbackup
