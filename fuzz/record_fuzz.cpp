// uses: base crypto repository

/// @file
/// Any bytes behind the seal of a record object: manifests, indexes, segment lists and records of
/// damage decode or are refused by a CorruptionError; nothing else may happen. The seal itself is
/// made here, since no fuzzer would ever guess one; unsealed bytes are tried too.
///
/// Input: one byte that picks what to decode, then the bytes.

#include "base/error.hpp"
#include "repository/chunk_list.hpp"
#include "repository/damage_records.hpp"
#include "repository/directory_record.hpp"
#include "repository/manifest.hpp"
#include "repository/record.hpp"

#include <array>
#include <span>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dbbackup {
namespace {

const Keys& fuzz_keys() {
    static const std::string id(32, 'a');
    static const Keys keys(Cipher::none, id, Keys::public_master(id));
    return keys;
}

void decode(std::uint8_t what, BytesView input) {
    const ObjectName manifest_name("manifests/0011223344556677/" + std::string(32, 'b'));
    const std::string text(as_text(input));
    switch (what % 7) {
        case 0: static_cast<void>(decode_chunk_list(input)); break;
        case 1: static_cast<void>(decode_index(input)); break;
        case 2: static_cast<void>(decode_directory(input)); break;
        case 3: static_cast<void>(decode_record(fuzz_keys(), manifest_name, input)); break;
        case 4: {
            const std::size_t half = input.size() / 2;
            const std::array<std::string, 2> sections = {text.substr(0, half), text.substr(half)};
            const Bytes object =
                encode_record(fuzz_keys(), manifest_name, RecordKind::manifest, sections);
            static_cast<void>(decode_manifest_head(fuzz_keys(), manifest_name, object));
            static_cast<void>(decode_manifest(fuzz_keys(), manifest_name, object));
            break;
        }
        case 5: {
            const Bytes object =
                encode_record(fuzz_keys(), manifest_name, RecordKind::damage, std::span(&text, 1));
            static_cast<void>(decode_damage(fuzz_keys(), manifest_name, object));
            break;
        }
        default: static_cast<void>(decode_manifest_head(fuzz_keys(), manifest_name, input)); break;
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
        // A clear refusal is a good answer.
    }
    return 0;
}
