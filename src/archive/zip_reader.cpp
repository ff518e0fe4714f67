#include "archive/zip_reader.hpp"

#include "archive/archive_error.hpp"
#include "archive/little_endian.hpp"
#include "archive/zip_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kCommentBytesMax = 65535;
/// Of hundreds of thousands of databases; more is no archive of ours.
constexpr std::uint64_t kDirectoryBytesMax = 64ULL * 1024 * 1024;
constexpr unsigned kFlagEncrypted = 1;

CorruptionError damaged(std::string_view what) {
    return archive_damaged(fmt::format("the zip archive is damaged: {}", what));
}

struct Place {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// What the end of the file says of its directory.
Place find_directory(const File& file) {
    const std::uint64_t size = file.size_bytes();
    const std::uint64_t tail_bytes =
        std::min(size, kCommentBytesMax + zip::kEndBytes + zip::kEnd64LocatorBytes);
    const Bytes tail = read_exactly(file, size - tail_bytes, tail_bytes);
    if (tail_bytes < zip::kEndBytes) {
        throw damaged("it is too short");
    }
    std::size_t at = tail.size() - zip::kEndBytes;
    while (number_at(tail, at, 4) != zip::kEnd) {
        if (at == 0) {
            throw damaged("its directory is missing, so its end is");
        }
        --at;
    }
    const Place place{number_at(tail, at + 16, 4), number_at(tail, at + 12, 4)};
    const bool has_64 = at >= zip::kEnd64LocatorBytes &&
                        number_at(tail, at - zip::kEnd64LocatorBytes, 4) == zip::kEnd64Locator;
    if (!has_64) {
        return place;
    }
    const std::uint64_t end64 = number_at(tail, at - zip::kEnd64LocatorBytes + 8, 8);
    if (end64 > size || size - end64 < zip::kEnd64Bytes) {
        throw damaged("its directory is outside");
    }
    const Bytes record = read_exactly(file, end64, zip::kEnd64Bytes);
    if (number_at(record, 0, 4) != zip::kEnd64) {
        throw damaged("its directory cannot be found");
    }
    return {number_at(record, 48, 8), number_at(record, 40, 8)};
}

/// Takes from the 64-bit extra field what the record itself has no room for.
void complete(ZipEntry& entry, BytesView extra) {
    std::size_t at = 0;
    while (extra.size() - at >= 4) {
        const std::uint64_t tag = number_at(extra, at, 2);
        const std::uint64_t bytes = number_at(extra, at + 2, 2);
        at += 4;
        if (bytes > extra.size() - at) {
            throw damaged("an entry of its directory is cut off");
        }
        if (tag == zip::kSizesTag) {
            std::size_t field = at;
            for (std::uint64_t* const value :
                 {&entry.plain_bytes, &entry.packed_bytes, &entry.header_offset}) {
                if (*value == zip::kIn64 && at + bytes - field >= 8) {
                    *value = number_at(extra, field, 8);
                    field += 8;
                }
            }
        }
        at += bytes;
    }
}

}  // namespace

std::map<std::string, ZipEntry> zip_directory(const File& file) {
    const Place place = find_directory(file);
    const std::uint64_t size = file.size_bytes();
    if (place.offset > size || place.bytes > size - place.offset ||
        place.bytes > kDirectoryBytesMax) {
        throw damaged("its directory is outside");
    }
    const Bytes directory = read_exactly(file, place.offset, place.bytes);
    std::map<std::string, ZipEntry> entries;
    std::size_t at = 0;
    while (directory.size() - at >= zip::kDirectoryRecordBytes) {
        const BytesView record = BytesView(directory).subspan(at);
        const std::uint64_t name_bytes = number_at(record, 28, 2);
        const std::uint64_t extra_bytes = number_at(record, 30, 2);
        const std::uint64_t bytes =
            zip::kDirectoryRecordBytes + name_bytes + extra_bytes + number_at(record, 32, 2);
        if (number_at(record, 0, 4) != zip::kDirectoryRecord || bytes > record.size()) {
            throw damaged("an entry of its directory cannot be read");
        }
        at += bytes;
        const std::uint64_t method = number_at(record, 10, 2);
        const bool is_encrypted = (number_at(record, 8, 2) & kFlagEncrypted) != 0;
        if (is_encrypted || (method != zip::kMethodStored && method != zip::kMethodDeflate)) {
            continue;
        }
        ZipEntry entry{method == zip::kMethodStored ? Packing::stored : Packing::deflate,
                       static_cast<std::uint32_t>(number_at(record, 16, 4)),
                       number_at(record, 20, 4), number_at(record, 24, 4),
                       number_at(record, 42, 4)};
        complete(entry, record.subspan(zip::kDirectoryRecordBytes + name_bytes, extra_bytes));
        entries.insert_or_assign(
            std::string(as_text(record.subspan(zip::kDirectoryRecordBytes, name_bytes))), entry);
    }
    return entries;
}

PackedRange zip_content(const File& file, const ZipEntry& entry) {
    const std::uint64_t size = file.size_bytes();
    if (entry.header_offset > size || size - entry.header_offset < zip::kLocalHeaderBytes) {
        throw damaged("an entry is outside");
    }
    const Bytes header = read_exactly(file, entry.header_offset, zip::kLocalHeaderBytes);
    const std::uint64_t begin = entry.header_offset + zip::kLocalHeaderBytes +
                                number_at(header, 26, 2) + number_at(header, 28, 2);
    if (number_at(header, 0, 4) != zip::kLocalHeader || begin > size ||
        entry.packed_bytes > size - begin) {
        throw damaged("an entry is not where its directory says");
    }
    return {file, begin, begin + entry.packed_bytes};
}

}  // namespace dbbackup
