#include "repository/sealed_cache.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace dbbackup {
namespace {

constexpr std::uint64_t kFileBytesMax = 256_MiB;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kPrefixBytes = 5;  // name length (u8), content length (u32)

void append_entry(Bytes& out, const std::string& name, BytesView content) {
    out.push_back(static_cast<std::uint8_t>(name.size()));
    const auto length = static_cast<std::uint32_t>(content.size());
    for (unsigned shift = 0; shift < 32; shift += 8) {
        out.push_back(static_cast<std::uint8_t>(length >> shift));
    }
    out.insert(out.end(), name.begin(), name.end());
    out.insert(out.end(), content.begin(), content.end());
}

void append_to_file(const std::filesystem::path& path, BytesView content) {
    // One write call with O_APPEND: entries of several processes do not mix.
    const int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
        static_cast<void>(!write(descriptor, content.data(), content.size()));
        close(descriptor);
    }
}

}  // namespace

SealedCache::SealedCache(std::optional<std::filesystem::path> file) : file_(std::move(file)) {}

BytesView SealedCache::find(const std::string& name) {
    if (!is_loaded_) {
        load();
    }
    const auto found = kept_.find(name);
    return found == kept_.end() ? BytesView{} : BytesView(found->second);
}

void SealedCache::add(const std::string& name, BytesView content) {
    if (name.size() > kNameBytesMax) {
        return;
    }
    append_entry(added_, name, content);
    keep(name, content);
}

void SealedCache::keep(const std::string& name, BytesView content) {
    Bytes& kept = kept_[name];
    bytes_ += content.size();
    bytes_ -= kept.size();
    kept.assign(content.begin(), content.end());
}

void SealedCache::save(std::optional<std::size_t> names_in_use) noexcept {
    if (!file_ || added_.empty()) {
        return;
    }
    try {
        std::filesystem::create_directories(file_->parent_path());
        if (is_torn_ || (names_in_use && kept_.size() > 2 * *names_in_use + 100)) {
            replace_file(*file_, added_, 0600);  // Others come back when they are next needed.
            is_torn_ = false;
        } else {
            append_to_file(*file_, added_);
        }
    } catch (const std::exception&) {
        // Without a cache everything works, only slower.
    }
    added_.clear();
}

void SealedCache::load() {
    is_loaded_ = true;
    if (!file_) {
        return;
    }
    try {
        if (const std::optional<Bytes> content = read_file(*file_, kFileBytesMax)) {
            parse(*content);
        }
    } catch (const Error&) {
        kept_.clear();
        bytes_ = 0;
        is_torn_ = true;  // Too large or not readable: begin anew.
    }
}

void SealedCache::parse(const Bytes& content) {
    std::size_t at = 0;
    while (content.size() - at >= kPrefixBytes) {
        const std::size_t name_bytes = content[at];
        const std::size_t content_bytes =
            std::size_t{content[at + 1]} | std::size_t{content[at + 2]} << 8U |
            std::size_t{content[at + 3]} << 16U | std::size_t{content[at + 4]} << 24U;
        at += kPrefixBytes;
        if (content.size() - at < name_bytes + content_bytes) {
            is_torn_ = true;  // The tail of an interrupted write, or a damaged file.
            return;
        }
        const BytesView entry(content.data() + at, name_bytes + content_bytes);
        keep(std::string(as_text(entry.first(name_bytes))), entry.subspan(name_bytes));
        at += name_bytes + content_bytes;
    }
    is_torn_ = at != content.size();
}

}  // namespace dbbackup
