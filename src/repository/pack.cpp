#include "repository/pack.hpp"

#include "base/error.hpp"
#include "repository/directory_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dbbackup {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {'D', 'B', 'B', 'P'};
constexpr std::array<std::uint8_t, 4> kEndMagic = {'D', 'B', 'B', 'E'};
constexpr std::uint8_t kPackVersion = 1;
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kEndBytes = 8;
/// Above every ordinal, so that no chunk shares the directory's nonce.
constexpr std::uint64_t kDirectoryNonce = 1_GiB * 4;

void append_u32(Bytes& out, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        out.push_back(static_cast<std::uint8_t>(value >> shift));
    }
}

/// Binds a sealed chunk to what and where it is (docs/format.md, "Packs").
Bytes additional_data(const Keys& keys, BytesView salt, const ChunkForm& form,
                      std::uint32_t ordinal) {
    Bytes data;
    data.reserve(192);
    const auto append = [&data](BytesView part) {
        data.insert(data.end(), part.begin(), part.end());
    };
    append(as_bytes("chunk"));
    append(as_bytes(keys.repository_id()));
    append(salt);
    append_u32(data, ordinal);
    append(form.id.bytes);
    data.push_back(static_cast<std::uint8_t>(form.codec));
    append_u32(data, form.plain_bytes);
    data.push_back(static_cast<std::uint8_t>(form.base_ids.size()));
    for (const ChunkId& base : form.base_ids) {
        append(base.bytes);
    }
    return data;
}

Bytes directory_data(const Keys& keys, BytesView salt) {
    Bytes data;
    for (const BytesView part : {as_bytes("directory"), as_bytes(keys.repository_id()), salt}) {
        data.insert(data.end(), part.begin(), part.end());
    }
    return data;
}

/// An upper bound on what one chunk takes in the directory: its field and length, its id and those
/// of its bases, and at most 6 bytes for each of six numbers.
std::size_t entry_bytes_max(const ChunkForm& form) {
    constexpr std::size_t kIdBytes = 34;
    constexpr std::size_t kNumbersBytes = 36;
    constexpr std::size_t kFieldBytes = 4;
    return kFieldBytes + kNumbersBytes + kIdBytes * (1 + form.base_ids.size());
}

Digest random_salt() {
    Digest salt{};
    fill_random(salt);
    return salt;
}

[[noreturn]] void damaged(const PackName& pack, std::string_view why) {
    throw CorruptionError(fmt::format("pack {} is damaged: {}", pack.text(), why));
}

}  // namespace

ChunkCopyPtr copy_in(std::shared_ptr<const PackIdentity> pack, const PackEntry& entry,
                     std::vector<ChunkCopyPtr> bases) {
    return std::make_shared<ChunkCopy>(ChunkCopy{entry.form.id, std::move(pack), entry.offset_bytes,
                                                 entry.sealed_bytes, entry.form.plain_bytes,
                                                 entry.ordinal, entry.form.codec, entry.form.depth,
                                                 entry.form.generation, std::move(bases)});
}

ObjectName pack_object_name(const PackName& name) {
    const std::string digits = name.text();
    return ObjectName(fmt::format("packs/{}/{}", std::string_view(digits).substr(0, 2), digits));
}

std::optional<PackName> pack_name_of(const ObjectName& name) {
    const Bytes bytes = from_hex(name.leaf());
    PackName pack;
    if (bytes.size() != pack.bytes.size()) {
        return std::nullopt;
    }
    std::copy(bytes.begin(), bytes.end(), pack.bytes.begin());
    return pack_object_name(pack) == name ? std::optional(pack) : std::nullopt;
}

PackBuilder::PackBuilder(const Keys& keys) : keys_(keys), key_(keys, random_salt()) {
    content_.reserve(kPackBytesMax);
    content_.assign(kMagic.begin(), kMagic.end());
    content_.push_back(kPackVersion);
    content_.push_back(static_cast<std::uint8_t>(keys.cipher()));
    content_.resize(kPackHeaderBytes - kSaltBytes);
    content_.insert(content_.end(), salt().begin(), salt().end());
}

bool PackBuilder::has_room(const ChunkForm& form, std::size_t packed_bytes) const noexcept {
    const std::size_t overhead = seal_overhead_bytes(keys_.cipher());
    return entries_.empty() || (entries_.size() < kPackEntriesMax &&
                                content_.size() + packed_bytes + overhead + directory_bytes_ +
                                        entry_bytes_max(form) + overhead + kEndBytes <=
                                    kPackBytesMax);
}

PackEntry PackBuilder::add(const ChunkForm& form, BytesView packed) {
    PackEntry entry{form, content_.size(), 0, static_cast<std::uint32_t>(entries_.size())};
    seal(keys_.cipher(), key_.bytes(), entry.ordinal,
         additional_data(keys_, salt(), form, entry.ordinal), packed, content_);
    entry.sealed_bytes = static_cast<std::uint32_t>(content_.size() - entry.offset_bytes);
    entries_.push_back(entry);
    directory_bytes_ += entry_bytes_max(form);
    return entry;
}

Bytes PackBuilder::finish() {
    const std::string directory = encode_directory(entries_);
    const std::size_t before = content_.size();
    seal(keys_.cipher(), key_.bytes(), kDirectoryNonce, directory_data(keys_, salt()),
         as_bytes(directory), content_);
    append_u32(content_, static_cast<std::uint32_t>(content_.size() - before));
    content_.insert(content_.end(), kEndMagic.begin(), kEndMagic.end());
    return std::move(content_);
}

Digest read_pack_salt(const Keys& keys, const PackName& pack, BytesView header) {
    if (header.size() < kPackHeaderBytes ||
        !std::equal(kMagic.begin(), kMagic.end(), header.begin()) || header[4] != kPackVersion ||
        header[5] != static_cast<std::uint8_t>(keys.cipher()) || header[6] != 0 || header[7] != 0) {
        damaged(pack, "it does not start like a pack of this repository");
    }
    Digest salt{};
    std::copy_n(header.begin() + (kPackHeaderBytes - kSaltBytes), kSaltBytes, salt.begin());
    return salt;
}

Bytes unseal_chunk(const Keys& keys, const PackKey& key, const ChunkForm& form,
                   std::uint32_t ordinal, Bytes sealed) {
    return unseal(keys.cipher(), key.bytes(), ordinal,
                  additional_data(keys, key.salt(), form, ordinal), std::move(sealed));
}

std::vector<PackEntry> read_pack_directory(const Keys& keys, const PackName& pack,
                                           BytesView content) {
    // All of it was given, so nothing is too little.
    return read_pack_directory(keys, pack, content, content, content.size()).value();
}

std::optional<std::vector<PackEntry>> read_pack_directory(const Keys& keys, const PackName& pack,
                                                          BytesView beginning, BytesView end,
                                                          std::uint64_t pack_bytes) {
    const Digest salt = read_pack_salt(keys, pack, beginning);
    if (pack_bytes < kPackHeaderBytes + kEndBytes || end.size() < kEndBytes ||
        !std::equal(kEndMagic.begin(), kEndMagic.end(), end.last(kEndMagic.size()).begin())) {
        damaged(pack, "it does not end like a pack");
    }
    const BytesView tail = end.last(kEndBytes);
    const std::size_t length = std::size_t{tail[0]} | std::size_t{tail[1]} << 8U |
                               std::size_t{tail[2]} << 16U | std::size_t{tail[3]} << 24U;
    if (length > pack_bytes - kPackHeaderBytes - kEndBytes) {
        damaged(pack, "its directory is longer than the pack");
    }
    if (length + kEndBytes > end.size()) {
        return std::nullopt;
    }
    const PackKey key(keys, salt);
    const Bytes directory =
        unseal(keys.cipher(), key.bytes(), kDirectoryNonce, directory_data(keys, salt),
               copy_of(end.subspan(end.size() - kEndBytes - length, length)));
    std::vector<PackEntry> entries = decode_directory(directory);
    const std::uint64_t chunks_end =
        entries.empty() ? kPackHeaderBytes
                        : entries.back().offset_bytes + entries.back().sealed_bytes;
    if (chunks_end != pack_bytes - kEndBytes - length) {
        damaged(pack, "its directory does not describe it");
    }
    return entries;
}

}  // namespace dbbackup
