#include "repository/record.hpp"

#include "base/error.hpp"
#include "base/units.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <array>

namespace dbbackup {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {'D', 'B', 'B', 'K'};
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kFixedBytes = 8 + kSaltBytes;
constexpr std::size_t kSectionsMax = 4;
/// Beyond this a record is not one of ours: lists move to chunks long before.
constexpr std::size_t kSectionPlainBytesMax = 1_GiB;
constexpr int kCompressionLevel = 3;

void append_u32(Bytes& out, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        out.push_back(static_cast<std::uint8_t>(value >> shift));
    }
}

std::uint32_t read_u32(BytesView at) {
    return std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8U | std::uint32_t{at[2]} << 16U |
           std::uint32_t{at[3]} << 24U;
}

[[noreturn]] void damaged(const ObjectName& name, std::string_view why) {
    throw explained<CorruptionError>(
        fmt::format("{} is damaged: {}", name.text(), why),
        "Run 'db-backup verify --data' to see what else is, and restore this object from a copy "
        "of the repository if there is one.");
}

/// Plain section -> 1 byte form (0 as is, 1 zstd) [+ u32 plain length] + bytes.
Bytes shrink(std::string_view plain) {
    Bytes out;
    if (plain.size() > 64) {
        out.resize(5 + ZSTD_compressBound(plain.size()));
        const std::size_t packed = ZSTD_compress(out.data() + 5, out.size() - 5, plain.data(),
                                                 plain.size(), kCompressionLevel);
        if (ZSTD_isError(packed) == 0U && packed + 4 < plain.size()) {
            Bytes length;
            append_u32(length, static_cast<std::uint32_t>(plain.size()));
            out[0] = 1;
            std::copy(length.begin(), length.end(), out.begin() + 1);
            out.resize(5 + packed);
            return out;
        }
    }
    out.assign(1, 0);
    out.insert(out.end(), plain.begin(), plain.end());
    return out;
}

Bytes grow(const ObjectName& name, const Bytes& shrunk) {
    if (shrunk.empty() || shrunk[0] > 1 || (shrunk[0] == 1 && shrunk.size() < 5)) {
        damaged(name, "a section has no valid form");
    }
    if (shrunk[0] == 0) {
        return {shrunk.begin() + 1, shrunk.end()};
    }
    const std::uint32_t length = read_u32(BytesView(shrunk).subspan(1));
    if (length > kSectionPlainBytesMax) {
        damaged(name, "a section is larger than any record");
    }
    Bytes plain(length);
    const std::size_t got =
        ZSTD_decompress(plain.data(), plain.size(), shrunk.data() + 5, shrunk.size() - 5);
    if (ZSTD_isError(got) != 0U || got != length) {
        damaged(name, "a section does not decompress");
    }
    return plain;
}

struct Header {
    RecordKind kind{};
    std::vector<std::uint32_t> lengths;
    std::size_t bytes = 0;
};

Header parse_header(const Keys& keys, const ObjectName& name, BytesView object) {
    if (object.size() < kFixedBytes || !std::equal(kMagic.begin(), kMagic.end(), object.begin())) {
        damaged(name, "it does not start like a record");
    }
    if (object[4] != kFormatVersion) {
        // A version number is not yet authenticated here, so a flipped bit must not be taken for
        // a newer program's work unless the rest says so too; the config has the real version.
        damaged(name, fmt::format("format version {} does not fit this repository", object[4]));
    }
    const std::size_t sections = object[7];
    if (object[6] != static_cast<std::uint8_t>(keys.cipher()) || sections == 0 ||
        sections > kSectionsMax || object[5] == 0 ||
        object[5] > static_cast<std::uint8_t>(RecordKind::pin_end)) {
        damaged(name, "its header is not one of this repository");
    }
    Header header{static_cast<RecordKind>(object[5]), {}, kFixedBytes + 4 * sections};
    if (object.size() < header.bytes) {
        damaged(name, "it is cut short");
    }
    for (std::size_t index = 0; index < sections; ++index) {
        header.lengths.push_back(read_u32(object.subspan(kFixedBytes + 4 * index)));
    }
    return header;
}

Bytes additional_data(const Keys& keys, const ObjectName& name, BytesView header,
                      std::size_t section) {
    Bytes data(header.begin(), header.end());
    const std::string& id = keys.repository_id();
    data.insert(data.end(), id.begin(), id.end());
    data.insert(data.end(), name.text().begin(), name.text().end());
    data.push_back(static_cast<std::uint8_t>(section));
    return data;
}

Bytes open_section(const Keys& keys, const ObjectName& name, BytesView object, const Header& header,
                   std::size_t section, BytesView sealed) {
    const Secret key = keys.object_key("record", object.subspan(8, kSaltBytes));
    try {
        return grow(name, unseal(keys.cipher(), key.bytes(), section,
                                 additional_data(keys, name, object.first(header.bytes), section),
                                 copy_of(sealed)));
    } catch (CorruptionError& error) {
        if (!error.hint().empty()) {
            throw;
        }
        damaged(name, "its bytes are not those that were written");
    }
}

}  // namespace

Bytes encode_record(const Keys& keys, const ObjectName& name, RecordKind kind,
                    std::span<const std::string> sections) {
    std::vector<Bytes> shrunk;
    Bytes object(kMagic.begin(), kMagic.end());
    object.push_back(kFormatVersion);
    object.push_back(static_cast<std::uint8_t>(kind));
    object.push_back(static_cast<std::uint8_t>(keys.cipher()));
    object.push_back(static_cast<std::uint8_t>(sections.size()));
    const Bytes salt = random_bytes(kSaltBytes);
    object.insert(object.end(), salt.begin(), salt.end());
    for (const std::string& section : sections) {
        if (section.size() > kSectionPlainBytesMax) {
            throw Error(fmt::format("record {} would have {} bytes", name.text(), section.size()));
        }
        shrunk.push_back(shrink(section));
        append_u32(object, static_cast<std::uint32_t>(shrunk.back().size() +
                                                      seal_overhead_bytes(keys.cipher())));
    }
    const Bytes header = object;
    const Secret key = keys.object_key("record", salt);
    for (std::size_t index = 0; index < shrunk.size(); ++index) {
        seal(keys.cipher(), key.bytes(), index, additional_data(keys, name, header, index),
             shrunk[index], object);
    }
    return object;
}

Record decode_record(const Keys& keys, const ObjectName& name, BytesView object,
                     std::initializer_list<RecordKind> kinds) {
    const Header header = parse_header(keys, name, object);
    Record record{header.kind, {}};
    std::size_t at = header.bytes;
    for (std::size_t index = 0; index < header.lengths.size(); ++index) {
        if (object.size() - at < header.lengths[index]) {
            damaged(name, "it is cut short");
        }
        record.sections.push_back(open_section(keys, name, object, header, index,
                                               object.subspan(at, header.lengths[index])));
        at += header.lengths[index];
    }
    if (at != object.size()) {
        damaged(name, "something follows its end");
    }
    // Only now is it known that the kind is what was written.
    if (kinds.size() > 0 && std::find(kinds.begin(), kinds.end(), record.kind) == kinds.end()) {
        throw CorruptionError(fmt::format("{} holds a record of another kind", name.text()));
    }
    return record;
}

bool is_whole_record(BytesView object) noexcept {
    if (object.size() < kFixedBytes || !std::equal(kMagic.begin(), kMagic.end(), object.begin())) {
        return false;
    }
    const std::size_t sections = object[7];
    std::uint64_t bytes = kFixedBytes + 4 * sections;
    for (std::size_t index = 0; index < sections && bytes <= object.size(); ++index) {
        bytes += read_u32(object.subspan(kFixedBytes + 4 * index));
    }
    return bytes == object.size();
}

std::size_t record_head_bytes(BytesView beginning) {
    const std::size_t header_bytes = kFixedBytes + std::size_t{4} * beginning[7];
    return header_bytes + read_u32(beginning.subspan(kFixedBytes));
}

std::optional<Record> decode_first_section(const Keys& keys, const ObjectName& name,
                                           BytesView beginning) {
    if (beginning.size() < kFixedBytes) {
        return std::nullopt;
    }
    const Header header = parse_header(keys, name, beginning);
    if (beginning.size() - header.bytes < header.lengths[0]) {
        return std::nullopt;
    }
    Record record{header.kind, {}};
    record.sections.push_back(open_section(keys, name, beginning, header, 0,
                                           beginning.subspan(header.bytes, header.lengths[0])));
    return record;
}

}  // namespace dbbackup
