#include "repository/known_repository.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "crypto/hash.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

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
            Entry entry;
            std::string cipher;
            if (words >> entry.repository_id >> cipher &&
                (cipher == kEncrypted || cipher == kPlain)) {
                entry.is_encrypted = cipher == kEncrypted;
                seen_ = std::move(entry);
            }
        }
    } catch (const Error&) {
        // Not readable: as if it had never been seen.
    }
}

void KnownRepository::check(const RepositoryConfigObject& config, Log& log) const {
    if (!seen_) {
        return;
    }
    if (seen_->is_encrypted && config.cipher == Cipher::none) {
        throw explained<WrongKeyError>(
            fmt::format(
                "the repository at {} was encrypted when this machine last used it, and now it "
                "is not",
                url_),
            fmt::format("Somebody may have replaced it. If it was you, remove {}.",
                        file_->native()),
            "not_encrypted");
    }
    if (seen_->repository_id != config.repository_id) {
        log.warning("another repository stands here than when this machine last used it",
                    {{"repository", url_}});
    }
}

void KnownRepository::remember(const RepositoryConfigObject& config) noexcept {
    const bool is_encrypted = config.cipher != Cipher::none;
    if (!file_ || (seen_ && seen_->repository_id == config.repository_id &&
                   seen_->is_encrypted == is_encrypted)) {
        return;
    }
    try {
        const std::string text = fmt::format("{} {}\n{}\n", config.repository_id,
                                             is_encrypted ? kEncrypted : kPlain, url_);
        std::filesystem::create_directories(file_->parent_path());
        replace_file(*file_, as_bytes(text), 0600);
    } catch (const std::exception&) {
        return;
    }
}

}  // namespace dbbackup
