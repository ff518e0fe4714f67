#include "repository/newest_seen.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

#include <sstream>

namespace dbbackup {
namespace {

constexpr std::uint64_t kFileBytesMax = 16_MiB;

}  // namespace

NewestSeen::NewestSeen(std::optional<std::filesystem::path> file) : file_(std::move(file)) {
    if (!file_) {
        return;
    }
    try {
        if (const std::optional<Bytes> content = read_file(*file_, kFileBytesMax)) {
            std::istringstream lines{std::string(as_text(*content))};
            SourceId source;
            Entry entry;
            while (lines >> source >> entry.sequence >> entry.id) {
                entries_[source] = entry;
            }
        }
    } catch (const Error&) {
        // Not readable: as if nothing had been seen.
    }
}

void NewestSeen::remember(const SourceId& source, const Entry& entry) {
    Entry& kept = entries_[source];
    is_changed_ = is_changed_ || kept != entry;
    kept = entry;
}

void NewestSeen::forget(const SourceId& source) {
    is_changed_ = entries_.erase(source) > 0 || is_changed_;
}

void NewestSeen::save() noexcept {
    if (!file_ || !is_changed_) {
        return;
    }
    try {
        std::string text;
        for (const auto& [source, entry] : entries_) {
            text += fmt::format("{} {} {}\n", source, entry.sequence, entry.id);
        }
        std::filesystem::create_directories(file_->parent_path());
        replace_file(*file_, as_bytes(text), 0600);
        is_changed_ = false;
    } catch (const std::exception&) {
        // The next run remembers it.
    }
}

}  // namespace dbbackup
