#include "cli/log_choice.hpp"

#include "base/bytes.hpp"

#include <random>

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

}  // namespace

LogOptions choose_log(const GlobalArguments& globals, const LoggingConfig& config) {
    LogOptions options;
    options.file = globals.log_file ? globals.log_file : config.file;
    const std::optional<LogLevel> level = globals.log_level ? globals.log_level : config.level;
    options.file_level = level.value_or(options.file_level);
    options.format = globals.log_format.value_or(config.format);
    options.rotate_bytes = config.rotate_bytes;
    options.rotate_keep = config.rotate_keep;
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
