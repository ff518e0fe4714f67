#include "archive/archive_reader.hpp"

#include "archive/archive_error.hpp"
#include "connector/archive_files.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>

namespace dbbackup {
namespace {

constexpr std::uint64_t kManifestBytesMax = 64ULL * 1024 * 1024;

/// What files begin with. Sources: sqlite.org/fileformat2.html, section 1.3; RFC 1952; RFC 8878,
/// section 3.1 (a skippable frame as pzstd writes it, too); APPNOTE, section 4.3.
struct Beginning {
    std::string_view bytes;
    ArchiveKind kind;
};
constexpr std::array<Beginning, 7> kBeginnings = {{{{"SQLite format 3\0", 16}, ArchiveKind::sqlite},
                                                   {"\x1F\x8B", ArchiveKind::gzip},
                                                   {"\x28\xB5\x2F\xFD", ArchiveKind::zstd},
                                                   {"\x50\x2A\x4D\x18", ArchiveKind::zstd},
                                                   {"PK\x03\x04", ArchiveKind::zip},
                                                   {"PK\x05\x06", ArchiveKind::zip},
                                                   {kScriptBegin, ArchiveKind::sql}}};

/// Enough to tell what kind of database a script is of.
constexpr std::size_t kTypeBytes = 64;

ConfigError unknown(std::string message) {
    return explained<ConfigError>(
        std::move(message),
        "Give a SQLite file or a script that db-backup made, plain or in gzip or zstd, or a zip "
        "archive that db-backup made.",
        "archive_unknown");
}

ArchiveKind kind_of(const File& file) {
    Bytes head(32);
    head.resize(file.read_at(0, head));
    // A SQLite database without any content has no bytes.
    if (head.empty()) {
        return ArchiveKind::sqlite;
    }
    for (const Beginning& each : kBeginnings) {
        if (as_text(head).starts_with(each.bytes)) {
            return each.kind;
        }
    }
    throw unknown(fmt::format("{} is no archive that db-backup knows", file.path().native()));
}

std::uint32_t crc_with(std::uint32_t crc, BytesView part) {
    return static_cast<std::uint32_t>(crc32(crc, part.data(), static_cast<unsigned>(part.size())));
}

}  // namespace

std::string_view archive_kind_name(ArchiveKind kind) noexcept {
    switch (kind) {
        case ArchiveKind::gzip: return "gzip";
        case ArchiveKind::zstd: return "zstd";
        case ArchiveKind::zip: return "zip";
        case ArchiveKind::sql: return "SQL script";
        case ArchiveKind::sqlite: break;
    }
    return "SQLite file";
}

ArchiveReader::ArchiveReader(const File& file) : file_(file), kind_(kind_of(file)) {
    if (kind_ == ArchiveKind::zip) {
        entries_ = zip_directory(file_);
        read_zip_manifest();
    } else {
        ArchivedDatabase database;
        database.name = kArchivedDatabase;
        manifest_.databases.push_back(std::move(database));
        find_type();
    }
}

/// "-- db-backup archive of postgres: …"
void ArchiveReader::find_type() {
    struct Enough {};
    std::string head;
    try {
        make_decoder(packing(), PackedRange(file_, 0, file_.size_bytes()))
            ->decode(
                [&head](BytesView part) {
                    head += as_text(part.first(std::min(part.size(), kTypeBytes)));
                    if (head.size() >= kTypeBytes) {
                        throw Enough();  // NOLINT(hicpp-exception-baseclass): caught right here.
                    }
                },
                {});
    } catch (const Enough&) {  // NOLINT(bugprone-empty-catch): that is all there is to see.
    } catch (const CorruptionError&) {
        return;  // Found again, and told, when it is decoded.
    }
    if (!head.starts_with(kScriptBegin)) {
        return;
    }
    const std::string_view rest = std::string_view(head).substr(kScriptBegin.size());
    const auto type = value_of<DatabaseType>(rest.substr(0, rest.find(':')));
    if (!type) {
        throw unknown(
            fmt::format("{} is of a kind of database that is not known", file_.path().native()));
    }
    manifest_.type = *type;
}

Packing ArchiveReader::packing() const noexcept {
    return kind_ == ArchiveKind::gzip   ? Packing::gzip
           : kind_ == ArchiveKind::zstd ? Packing::zstd
                                        : Packing::stored;
}

void ArchiveReader::read_zip_manifest() {
    if (!entries_.contains(std::string(kManifestEntry))) {
        throw unknown(fmt::format("{} is a zip archive without a manifest of db-backup",
                                  file_.path().native()));
    }
    std::string text;
    decode_entry(entry_of(std::string(kManifestEntry)),
                 [&text](BytesView part) {
                     text += as_text(part);
                     if (text.size() > kManifestBytesMax) {
                         throw archive_damaged("the manifest of the archive is larger than any");
                     }
                 },
                 {});
    manifest_ = parse_manifest(text);
    if (manifest_.databases.empty()) {
        throw archive_damaged("the manifest of the archive names no database");
    }
    for (const ArchivedDatabase& each : manifest_.databases) {
        static_cast<void>(entry_of(each.file));
    }
}

const ZipEntry& ArchiveReader::entry_of(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
        throw archive_damaged(
            fmt::format("{} is missing in the archive, or packed in a way that db-backup "
                        "does not read",
                        name));
    }
    return found->second;
}

void ArchiveReader::decode_entry(const ZipEntry& entry, const Decoder::Visit& visit,
                                 std::stop_token stop) const {
    std::uint32_t crc = 0;
    std::uint64_t bytes = 0;
    make_decoder(entry.packing, zip_content(file_, entry))
        ->decode(
            [&](BytesView part) {
                bytes += part.size();
                if (bytes > entry.plain_bytes) {
                    throw archive_damaged("an entry of the archive is longer than it says");
                }
                crc = crc_with(crc, part);
                visit(part);
            },
            std::move(stop));
    if (bytes != entry.plain_bytes || crc != entry.crc) {
        throw archive_damaged("an entry of the archive is not what was packed");
    }
}

void ArchiveReader::decode(std::size_t index, const Decoder::Visit& visit,
                           std::stop_token stop) const {
    if (kind_ == ArchiveKind::zip) {
        const ArchivedDatabase& database = manifest_.databases.at(index);
        Sha256 hash;
        decode_entry(
            entry_of(database.file),
            [&](BytesView part) {
                hash.update(part);
                visit(part);
            },
            std::move(stop));
        if (hash.finish() != database.sha256) {
            throw archive_damaged(
                fmt::format("{} in the archive is not what its manifest says", database.file));
        }
        return;
    }
    make_decoder(packing(), PackedRange(file_, 0, file_.size_bytes()))
        ->decode(visit, std::move(stop));
}

}  // namespace dbbackup
