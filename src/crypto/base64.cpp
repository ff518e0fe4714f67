#include "crypto/base64.hpp"

#include <sodium.h>

namespace dbbackup {

std::string to_base64(BytesView content) {
    constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
    std::string text(sodium_base64_encoded_len(content.size(), kVariant), '\0');
    sodium_bin2base64(text.data(), text.size(), content.data(), content.size(), kVariant);
    text.pop_back();  // The zero at its end.
    return text;
}

std::optional<Bytes> from_base64(std::string_view text) {
    if (text.empty()) {
        return Bytes();  // The library wants a place to write to all the same.
    }
    Bytes content(text.size());
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(content.data(), content.size(), text.data(), text.size(), nullptr, &size,
                          &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    content.resize(size);
    return content;
}

}  // namespace dbbackup
