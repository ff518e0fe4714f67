// uses: base crypto repository

/// @file
/// Any bytes as the `config` or a key slot of a repository, as they are and with the right
/// checksum: they decode or are refused by one of our errors.
///
/// Input: one byte that picks the way, then the bytes.

#include "base/error.hpp"
#include "repository/checked_json.hpp"
#include "repository/config_object.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dbbackup {
namespace {

void decode(unsigned way, BytesView input) {
    Bytes content(input.begin(), input.end());
    if ((way & 2U) != 0) {
        const nlohmann::json object =
            nlohmann::json::parse(input.begin(), input.end(), nullptr, false);
        if (!object.is_object()) {
            return;
        }
        try {
            content = encode_checked_json(object);
        } catch (const nlohmann::json::exception&) {
            return;  // Strings that are no UTF-8 cannot be spelt, so no config has them.
        }
    }
    if ((way & 1U) != 0) {
        static_cast<void>(decode_config(content));
    } else {
        static_cast<void>(decode_key_slot(key_object_name("00"), content));
    }
}

}  // namespace
}  // namespace dbbackup

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    try {
        dbbackup::decode(data[0], {data + 1, size - 1});
    } catch (const dbbackup::CorruptionError&) {
        return 0;
    } catch (const dbbackup::RepositoryError&) {
        return 0;  // A newer format.
    }
    return 0;
}
