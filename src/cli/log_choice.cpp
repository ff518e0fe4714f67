#include "cli/log_choice.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string_view>
#include <system_error>

namespace dbbackup {
namespace {

/// Eight hexadecimal digits: enough to tell the runs in one log file apart.
std::string random_run_id() {
    std::random_device random;
    const unsigned number = random();
    const Bytes bytes = {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8U),
                         static_cast<std::uint8_t>(number >> 16U),
                         static_cast<std::uint8_t>(number >> 24U)};
    return to_hex(bytes);
}

/// Lines are appended and the file is renamed when it grows, so it must not be anything else: a
/// database, or an object of a repository.
void refuse_foreign_file(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) {
        return;
    }
    std::array<std::uint8_t, 2> beginning{};
    std::size_t count = 0;
    try {
        count = File::open(path, File::Mode::read).read_at(0, beginning);
    } catch (const Error&) {
        return;  // What cannot be read may still be appended to; opening it tells.
    }
    const std::string_view text = as_text(BytesView(beginning).first(count));
    const bool is_log = text.empty() || (text[0] >= '0' && text[0] <= '9') || text == "{\"";
    if (!is_log) {
        throw explained<ConfigError>(
            fmt::format("the log file {} holds something else than a log", path.native()),
            "Give the path of a new file.", "not_a_log");
    }
}

}  // namespace

LogOptions choose_log(const GlobalArguments& globals, const LoggingConfig& config) {
    LogOptions options;
    options.file = globals.log_file ? globals.log_file : config.file;
    if (options.file) {
        refuse_foreign_file(*options.file);
    }
    const std::optional<LogLevel> level = globals.log_level ? globals.log_level : config.level;
    options.file_level = level.value_or(options.file_level);
    options.format = globals.log_format.value_or(config.format);
    options.rotate_bytes = config.rotate_bytes;
    options.rotate_keep = config.rotate_keep;
    options.rotate_age = config.rotate_age;
    options.run_id = random_run_id();
    if (globals.log_level && !options.file) {
        options.stderr_level = *globals.log_level;
    } else if (globals.is_verbose) {
        options.stderr_level = LogLevel::info;
    } else if (globals.is_quiet) {
        options.stderr_level = LogLevel::warning;
    } else if (level && !options.file) {
        options.stderr_level = *level;
    }
    return options;
}

}  // namespace dbbackup
