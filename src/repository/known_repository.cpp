#include "repository/known_repository.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "crypto/hash.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kFileBytesMax = 64_KiB;
constexpr std::size_t kNameBytes = 8;
constexpr std::string_view kEncrypted = "encrypted";
constexpr std::string_view kPlain = "unencrypted";

}  // namespace

KnownRepository::KnownRepository(const std::optional<std::filesystem::path>& state_folder,
                                 std::string url)
    : url_(std::move(url)) {
    if (!state_folder) {
        return;
    }
    const Digest digest = sha256(as_bytes(url_));
    file_ = *state_folder / "known-repositories" / to_hex(BytesView(digest).first(kNameBytes));
    try {
        if (const std::optional<Bytes> content = read_file(*file_, kFileBytesMax)) {
            std::istringstream words{std::string(as_text(*content))};
            std::string id;
            std::string cipher;
            while (words >> id >> cipher && (cipher == kEncrypted || cipher == kPlain)) {
                seen_[id] = cipher == kEncrypted;
            }
        }
    } catch (const Error&) {
        // Not readable: as if nothing had been seen.
    }
}

bool KnownRepository::has_seen_encrypted() const {
    return std::any_of(seen_.begin(), seen_.end(), [](const auto& each) { return each.second; });
}

void KnownRepository::refuse() const {
    throw explained<WrongKeyError>(
        fmt::format("the repository at {} was encrypted when this machine last used it, and now it "
                    "is not",
                    url_),
        fmt::format("Somebody may have replaced it. If it was you, remove {}.", file_->native()),
        "not_encrypted");
}

void KnownRepository::check(const RepositoryConfigObject& config, Log& log) const {
    if (seen_.empty() || seen_.contains(config.repository_id)) {
        return;
    }
    if (config.cipher == Cipher::none && has_seen_encrypted()) {
        refuse();
    }
    log.warning("another repository stands here than when this machine last used it",
                {{"repository", url_}});
}

void KnownRepository::check_new(const std::string& init_line) const {
    if (!seen_.empty()) {
        throw explained<RepositoryMissingError>(
            fmt::format("the repository at {} is gone: this machine has used one there before",
                        url_),
            fmt::format("Mount its disk or put it back; to begin a new one: {}", init_line),
            "repository_gone");
    }
}

void KnownRepository::remember(const RepositoryConfigObject& config) noexcept {
    if (!file_ || seen_.contains(config.repository_id)) {
        return;
    }
    try {
        seen_[config.repository_id] = config.cipher != Cipher::none;
        std::string text;
        for (const auto& [id, is_encrypted] : seen_) {
            text += fmt::format("{} {}\n", id, is_encrypted ? kEncrypted : kPlain);
        }
        std::filesystem::create_directories(file_->parent_path());
        replace_file(*file_, as_bytes(text + url_ + "\n"), 0600);
    } catch (const std::exception&) {
        return;
    }
}

}  // namespace dbbackup
