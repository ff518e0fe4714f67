#include "base/secret.hpp"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is not in <cstring>
#include <sys/mman.h>

#include <utility>

namespace dbbackup {

void wipe(std::span<std::uint8_t> bytes) noexcept {
    if (!bytes.empty()) {
        explicit_bzero(bytes.data(), bytes.size());
    }
}

Secret::Secret(Bytes bytes) : bytes_(std::move(bytes)) {
    if (!bytes_.empty()) {
        // Best effort: without the right to lock memory (RLIMIT_MEMLOCK) we still work.
        static_cast<void>(mlock(bytes_.data(), bytes_.size()));
    }
}

Secret::Secret(std::string_view text) : Secret(Bytes(text.begin(), text.end())) {}

Secret::Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
}

Secret::~Secret() { wipe(); }

Secret Secret::clone() const { return Secret(Bytes(bytes_)); }

void Secret::wipe() noexcept {
    if (!bytes_.empty()) {
        dbbackup::wipe(bytes_);
        static_cast<void>(munlock(bytes_.data(), bytes_.size()));
    }
}

}  // namespace dbbackup
