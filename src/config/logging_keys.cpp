#include "config/key_sections.hpp"

namespace dbbackup {
namespace {

constexpr std::chrono::seconds kLogAgeMax = std::chrono::hours(24 * 3660);

}  // namespace

void add_logging_keys(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "logging.level",
                    .kind = KeyKind::word,
                    .description =
                        "The least important lines that are written: of the file if there "
                        "is one, else of stderr. Without it, `info` in the file and "
                        "`warning` on stderr.",
                    .example = "info",
                    .fallback = "",
                    .words = words_of_keys<LogLevel>(),
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.logging.level = checked_value<LogLevel>(value);
                    }});
    keys.push_back({.path = "logging.format",
                    .kind = KeyKind::word,
                    .description = "Lines for people, or one JSON document per line.",
                    .example = "json",
                    .fallback = "text",
                    .words = words_of_keys<LogFormat>(),
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.logging.format = checked_value<LogFormat>(value);
                    }});
    keys.push_back({.path = "logging.file",
                    .kind = KeyKind::path,
                    .description = "The log file; its folder is made. Without it, only stderr.",
                    .example = "/var/log/db-backup/db-backup.log",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.logging.file = value.text;
                    }});
    keys.push_back({.path = "logging.rotate.size",
                    .kind = KeyKind::size,
                    .description = "The log file is rotated before it grows beyond this.",
                    .example = "10MiB",
                    .fallback = "50MiB",
                    .least = 4_KiB,
                    .most = 1024_GiB,
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.logging.rotate_bytes = value.number;
                    }});
    keys.push_back({.path = "logging.rotate.keep",
                    .kind = KeyKind::count,
                    .description = "Rotated files that are kept: `db-backup.1.log` is the newest.",
                    .example = "5",
                    .fallback = "10",
                    .most = 1000,
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.logging.rotate_keep = static_cast<std::uint32_t>(value.number);
                    }});
    keys.push_back({.path = "logging.rotate.age",
                    .kind = KeyKind::duration,
                    .description = "The log file is rotated, too, when its first line is older "
                                   "than this; without it, only by size.",
                    .example = "7d",
                    .fallback = "",
                    .least = 1,
                    .most = kLogAgeMax.count(),
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.logging.rotate_age = std::chrono::seconds(value.number);
                    }});
}

}  // namespace dbbackup
