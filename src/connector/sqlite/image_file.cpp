#include "connector/sqlite/image_file.hpp"

#include "base/error.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/spool.hpp"
#include "connector/sqlite/stream_vfs.hpp"
#include "sys/write_behind.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr int kInstructionsBetweenLooks = 100'000;
/// For indexes, whose pages are visited in no order.
constexpr const char* kCacheSize = "PRAGMA cache_size=-32768";

int is_stopped(void* stop) { return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0; }

void compare_pages(ImageReader& image, const Fingerprinter& fingerprinter, std::string_view remains,
                   std::stop_token stop) {
    Fingerprint sum;
    const std::uint32_t page_bytes = image.stream().page_bytes;
    image.read_all(
        [&](std::uint64_t offset, BytesView bytes) {
            sum += fingerprinter.of_pages(bytes, page_bytes, offset / page_bytes);
        },
        std::move(stop));
    if (sum != image.stream().fingerprint) {
        throw CorruptionError(
            fmt::format("what was read is not the database of the snapshot; {}", remains));
    }
}

/// What `PRAGMA integrity_check` says; "ok" when it could not be run, with a warning.
/// @param stop Outlives the connection.
std::string integrity_of(Database& database, std::vector<std::string>& warnings,
                         std::stop_token& stop) {
    database.execute(kCacheSize);
    sqlite3_progress_handler(database.handle(), kInstructionsBetweenLooks, is_stopped, &stop);
    try {
        return database.text("PRAGMA integrity_check(1)");
    } catch (const SqliteError& error) {
        if (error.primary_code() == SQLITE_INTERRUPT) {
            throw Cancelled();
        }
        if (error.primary_code() != SQLITE_ERROR) {
            throw;
        }
        warnings.push_back(fmt::format("integrity_check was not possible: {}", error.what()));
        return "ok";
    }
}

void check_integrity(ImageReader& image, std::string_view remains,
                     std::vector<std::string>& warnings, std::stop_token stop) {
    StreamVfs vfs(image, stop, StreamVfs::ReadAhead::no);
    OpenOptions how;
    how.access = OpenOptions::Access::immutable;
    how.role = Role::target;
    how.vfs = vfs.name();
    std::string found;
    try {
        Database database("/snapshot", how, stop);
        found = integrity_of(database, warnings, stop);
        vfs.rethrow_failure();  // what integrity_check cannot read is damage to it, even a stop
    } catch (const SqliteError& error) {
        vfs.rethrow_failure();
        if (error.primary_code() != SQLITE_CORRUPT && error.primary_code() != SQLITE_NOTADB) {
            throw;
        }
        found = error.what();
    }
    if (found != "ok") {
        throw explained<SourceError>(
            fmt::format("the database in the snapshot is damaged, as the source was: {}; {}", found,
                        remains),
            "Restore without --verify to get it as it is, or choose an earlier snapshot.",
            "source_corrupt");
    }
}

}  // namespace

void write_image(File& file, StreamReader& stream, std::stop_token stop) {
    WriteBehind writer(file);
    std::atomic<std::uint64_t> written{0};
    stream.read_all(
        [&](std::uint64_t offset, BytesView bytes) {
            writer.write_at(offset, bytes);
            written += bytes.size();
        },
        std::move(stop));
    if (written != stream.stream().size_bytes) {
        throw CorruptionError(fmt::format("the stored database gave {} bytes of {}", written.load(),
                                          stream.stream().size_bytes));
    }
}

void ImageReader::read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    if (file_.read_at(offset, out) != out.size()) {
        throw CorruptionError("the restored file is shorter than what was written to it");
    }
}

void ImageReader::read_all(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                           std::stop_token stop) {
    Bytes block;
    for (std::uint64_t offset = 0; offset < stream_.size_bytes; offset += kBlockBytes) {
        block.resize(std::min(kBlockBytes, stream_.size_bytes - offset));
        read_at(offset, block, stop);
        visit(offset, block);
    }
}

void prove_image(const File& file, const StoredStream& stream, const Fingerprinter& fingerprinter,
                 std::string_view remains, std::vector<std::string>& warnings,
                 std::stop_token stop) {
    ImageReader image(file, stream);
    compare_pages(image, fingerprinter, remains, stop);
    check_integrity(image, remains, warnings, std::move(stop));
}

}  // namespace dbbackup::sqlite
