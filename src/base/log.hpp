#pragma once

/// @file
/// Logging to stderr and to a file, as text or JSON lines. Only this header and log.cpp know the
/// logging library (its headers are slow to compile).

#include "base/units.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
enum class LogFormat : std::uint8_t { text, json };

/// Where and how to log.
struct LogOptions {
    LogLevel stderr_level = LogLevel::warning;  ///< The live progress line owns stderr otherwise.
    LogLevel file_level = LogLevel::info;
    LogFormat format = LogFormat::text;  ///< Of the file; and of stderr when it is no terminal.
    std::optional<std::filesystem::path> file;
    std::uint64_t rotate_bytes = 50_MiB;  ///< The file is rotated when it would grow beyond this.
    std::uint32_t rotate_keep = 10;       ///< Old files kept beside the current one.
    /// The file is rotated, too, when its first line is older than this.
    std::optional<std::chrono::seconds> rotate_age = {};
    std::string run_id;  ///< Stands in every line, to tell runs apart.
    /// Takes the lines for stderr, without line breaks, in place of stderr itself; for a program
    /// that shows something else there too. Called from any thread; outlives the log.
    std::function<void(std::string_view line)> stderr_line = {};
};

/// Named values that go with a message; never a secret. In JSON each is a key of its own.
using LogFields = std::vector<std::pair<std::string, std::string>>;

/// Writes lines that a person or a program reads later. Safe to call from several threads.
class Log {
public:
    /// A log that drops everything, for tests and for code that runs before configuration.
    Log();
    /// @throws ConfigError when the file cannot be opened.
    explicit Log(const LogOptions& options);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();

    void debug(std::string_view message, const LogFields& fields = {});
    void info(std::string_view message, const LogFields& fields = {});
    void warning(std::string_view message, const LogFields& fields = {});
    void error(std::string_view message, const LogFields& fields = {});

private:
    void write(LogLevel level, std::string_view message, const LogFields& fields);

    struct Sinks;
    std::unique_ptr<Sinks> sinks_;
};

}  // namespace dbbackup
