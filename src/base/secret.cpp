#include "base/secret.hpp"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is not in <cstring>

#include <algorithm>

namespace dbbackup {

void wipe(std::span<std::uint8_t> bytes) noexcept {
    if (!bytes.empty()) {
        explicit_bzero(bytes.data(), bytes.size());
    }
}

Secret::Secret(BytesView bytes) : bytes_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.bytes().begin());
}

Secret::Secret(Bytes bytes) : Secret(BytesView(bytes)) { wipe(bytes); }

Secret::Secret(std::string_view text) : Secret(as_bytes(text)) {}

Secret Secret::clone() const { return Secret(bytes()); }

}  // namespace dbbackup
