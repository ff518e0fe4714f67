#include "connector/sqlite/signs.hpp"

#include "base/bytes.hpp"
#include "base/plain_json.hpp"

#include <nlohmann/json.hpp>

namespace dbbackup::sqlite {
namespace {

constexpr int kVersion = 1;

/// Ten times the longest tick of a Linux kernel clock (CONFIG_HZ=100).
constexpr std::int64_t kMarginNs = 100'000'000;
/// Where timestamps have whole seconds only (ext4 with 128-byte inodes); FAT has two seconds.
constexpr std::int64_t kCoarseMarginNs = 2'100'000'000;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

LogSigns take_log_signs(const View& view) {
    LogSigns log;
    const auto& state = view.wal_state();
    if (!state) {
        return log;
    }
    if (const auto facts = facts_of(view.path().native() + "-wal")) {
        log.inode = facts->inode;
        log.size_bytes = facts->size_bytes;
        log.modified_ns = facts->modified_ns;
    }
    log.header = to_hex(view.wal_header());
    log.frames = state->frame_count();
    log.salts = to_hex(state->salts());
    log.checksum = to_hex(state->last_checksum());
    return log;
}

bool is_same_file(const FileFacts& a, const FileFacts& b) {
    return a.device == b.device && a.inode == b.inode && a.size_bytes == b.size_bytes &&
           a.modified_ns == b.modified_ns && a.changed_ns == b.changed_ns;
}

}  // namespace

bool is_settled(const FileFacts& file, Time now) {
    const auto now_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    const bool is_coarse = file.changed_ns % kNanosecondsPerSecond == 0;
    return now_ns - file.changed_ns > (is_coarse ? kCoarseMarginNs : kMarginNs);
}

Signs take_signs(View& view, Time now) {
    Signs signs;
    signs.header = to_hex(view.file_header());
    signs.log = take_log_signs(view);
    if (const auto facts = facts_of(view.path())) {
        signs.file = *facts;
        signs.is_settled = has_local_timestamps(view.path()) && is_settled(*facts, now);
    }
    return signs;
}

void settle(Signs& signs, View& view, Time now) {
    const auto facts = facts_of(view.path());
    if (facts && is_same_file(*facts, signs.file) && has_local_timestamps(view.path())) {
        signs.is_settled = signs.is_settled || is_settled(*facts, now);
    }
}

bool proves_unchanged(const Signs& parent, const Signs& now) {
    return parent.is_settled && is_same_file(parent.file, now.file) &&
           parent.header == now.header && parent.log == now.log;
}

std::string Signs::text() const {
    const nlohmann::json json = {
        {"version", kVersion},
        {"settled", is_settled},
        {"device", file.device},
        {"inode", file.inode},
        {"size", file.size_bytes},
        {"mtime_ns", file.modified_ns},
        {"ctime_ns", file.changed_ns},
        {"header", header},
        {"wal",
         {{"inode", log.inode},
          {"size", log.size_bytes},
          {"mtime_ns", log.modified_ns},
          {"frames", log.frames},
          {"header", log.header},
          {"salts", log.salts},
          {"checksum", log.checksum}}},
    };
    return json.dump();
}

std::optional<Signs> Signs::parse(std::string_view text) {
    try {
        const auto json = parse_plain_json(text);
        if (json.at("version").get<int>() != kVersion) {
            return std::nullopt;
        }
        Signs signs;
        signs.is_settled = json.at("settled").get<bool>();
        json.at("device").get_to(signs.file.device);
        json.at("inode").get_to(signs.file.inode);
        json.at("size").get_to(signs.file.size_bytes);
        json.at("mtime_ns").get_to(signs.file.modified_ns);
        json.at("ctime_ns").get_to(signs.file.changed_ns);
        json.at("header").get_to(signs.header);
        const auto& wal = json.at("wal");
        wal.at("inode").get_to(signs.log.inode);
        wal.at("size").get_to(signs.log.size_bytes);
        wal.at("mtime_ns").get_to(signs.log.modified_ns);
        wal.at("frames").get_to(signs.log.frames);
        wal.at("header").get_to(signs.log.header);
        wal.at("salts").get_to(signs.log.salts);
        wal.at("checksum").get_to(signs.log.checksum);
        return signs;
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;  // another version wrote it: it proves nothing, so everything is read
    }
}

}  // namespace dbbackup::sqlite
