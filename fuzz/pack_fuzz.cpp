// uses: base crypto repository

/// @file
/// Any bytes as a pack, and any bytes as a pack's sealed directory: they decode or are refused by a
/// CorruptionError, and entries that come out lie inside the pack.
///
/// Input: one byte that picks the way, then the bytes.

#include "base/error.hpp"
#include "repository/pack.hpp"

#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dbbackup {
namespace {

const Keys& fuzz_keys() {
    static const std::string id(32, 'a');
    static const Keys keys(Cipher::none, id, Keys::public_master(id));
    return keys;
}

/// A pack with a right head and a right end around `directory`, sealed as ours are.
Bytes pack_around(BytesView directory) {
    PackBuilder builder(fuzz_keys());
    Bytes head = builder.finish();
    Bytes pack(head.begin(), head.begin() + kPackHeaderBytes);
    Bytes additional;
    for (const BytesView part : {as_bytes("directory"), as_bytes(fuzz_keys().repository_id()),
                                 BytesView(builder.salt())}) {
        additional.insert(additional.end(), part.begin(), part.end());
    }
    const PackKey key(fuzz_keys(), builder.salt());
    const std::size_t before = pack.size();
    seal(Cipher::none, key.bytes(), 4_GiB, additional, directory, pack);
    const std::size_t length = pack.size() - before;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        pack.push_back(static_cast<std::uint8_t>(length >> shift));
    }
    pack.insert(pack.end(), head.end() - 4, head.end());
    return pack;
}

void decode(bool is_sealed, BytesView input) {
    const Bytes content = is_sealed ? pack_around(input) : Bytes(input.begin(), input.end());
    const PackName name{sha256(content)};
    const PackKey key(fuzz_keys(), read_pack_salt(fuzz_keys(), name, content));
    for (const PackEntry& entry : read_pack_directory(fuzz_keys(), name, content)) {
        if (entry.offset_bytes + entry.sealed_bytes > content.size()) {
            std::abort();
        }
        try {
            static_cast<void>(unseal_chunk(
                fuzz_keys(), key, entry.form, entry.ordinal,
                copy_of(BytesView(content).subspan(entry.offset_bytes, entry.sealed_bytes))));
        } catch (const CorruptionError&) {
            continue;
        }
    }
}

}  // namespace
}  // namespace dbbackup

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    try {
        dbbackup::decode(data[0] % 2 == 0, {data + 1, size - 1});
    } catch (const dbbackup::CorruptionError&) {
        // A clear refusal is a good answer.
    }
    return 0;
}
