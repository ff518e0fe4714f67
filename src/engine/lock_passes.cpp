#include "engine/lock_passes.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <utility>

namespace dbbackup {

using std::chrono::sys_seconds;

namespace {

constexpr std::uint64_t kFileBytesMax = 1_MiB;
/// Two a day for decades; a longer history begins anew with a pass over everything.
constexpr std::size_t kPassesMax = 20'000;

std::vector<sys_seconds> read_passes(const std::filesystem::path& file, std::chrono::days lock) {
    std::vector<sys_seconds> passes;
    const std::optional<Bytes> content = read_file(file, kFileBytesMax);
    std::istringstream words{content ? std::string(as_text(*content)) : std::string()};
    std::int64_t number = 0;
    if (!(words >> number) || number != lock.count()) {
        return {};
    }
    while (words >> number) {
        passes.emplace_back(std::chrono::seconds(number));
    }
    const bool is_sound = words.eof() && std::ranges::is_sorted(passes);
    return is_sound && passes.size() < kPassesMax ? passes : std::vector<sys_seconds>();
}

}  // namespace

LockPasses::LockPasses(std::optional<std::filesystem::path> file, std::chrono::days lock)
    : file_(std::move(file)), lock_(lock) {
    if (file_) {
        try {
            passes_ = read_passes(*file_, lock_);
        } catch (const Error&) {
            passes_.clear();  // Not readable: as if there had been none.
        }
    }
}

sys_seconds LockPasses::end_of_lock(sys_seconds stored_at) const {
    const std::chrono::seconds whole = lock_;
    auto pass = passes_.begin();
    sys_seconds end = stored_at + whole;
    if (stored_at <= *pass) {
        end = *pass + whole;
        ++pass;
    }
    for (;;) {
        // A pass before the object was stored had nothing to do with it.
        pass = std::upper_bound(pass, passes_.end(), end - whole / 2);
        if (pass == passes_.end()) {
            return end;
        }
        end = *pass + whole;
        ++pass;
    }
}

bool LockPasses::is_due(sys_seconds stored_at, sys_seconds now) const {
    return passes_.empty() || end_of_lock(stored_at) - now < std::chrono::seconds(lock_) / 2;
}

void LockPasses::add(sys_seconds now) {
    // A clock that was set back: what it said before proves nothing.
    while (!passes_.empty() && passes_.back() > now) {
        passes_.pop_back();
    }
    passes_.push_back(now);
}

void LockPasses::save() const noexcept {
    if (!file_) {
        return;
    }
    try {
        std::string text = fmt::format("{}\n", lock_.count());
        for (const sys_seconds pass : passes_) {
            text += fmt::format("{}\n", pass.time_since_epoch().count());
        }
        std::filesystem::create_directories(file_->parent_path());
        replace_file(*file_, as_bytes(text), 0600);
    } catch (const std::exception&) {
        // The next prune locks more than it would have to.
    }
}

}  // namespace dbbackup
