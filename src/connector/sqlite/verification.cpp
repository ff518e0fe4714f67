#include "connector/sqlite/verification.hpp"

#include "base/error.hpp"
#include "connector/sqlite/spool.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>

namespace dbbackup::sqlite {
namespace {

constexpr int kInstructionsBetweenLooks = 100'000;

struct FieldRange {
    std::size_t begin;
    std::size_t end;
};
constexpr std::array<FieldRange, 5> kRewrittenFields = {
    {{18, 20}, {24, 28}, {28, 32}, {40, 44}, {92, 100}}};

bool is_rewritten(std::size_t offset) {
    return std::any_of(kRewrittenFields.begin(), kRewrittenFields.end(), [&](FieldRange field) {
        return offset >= field.begin && offset < field.end;
    });
}

int is_stopped(void* stop) { return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0; }

}  // namespace

void compare_pages(const File& file, const StoredStream& stream, const Fingerprinter& fingerprinter,
                   std::stop_token stop) {
    Fingerprint sum;
    Bytes block;
    for (std::uint64_t offset = 0; offset < stream.size_bytes; offset += kBlockBytes) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        block.resize(std::min(kBlockBytes, stream.size_bytes - offset));
        if (file.read_at(offset, block) != block.size()) {
            throw CorruptionError("the restored file is shorter than what was written to it");
        }
        sum += fingerprinter.of_pages(block, stream.page_bytes, offset / stream.page_bytes);
    }
    if (sum != stream.fingerprint) {
        throw CorruptionError("the restored pages are not those of the snapshot");
    }
}

void check_integrity(const std::filesystem::path& path, std::vector<std::string>& warnings,
                     std::stop_token stop) {
    OpenOptions how;
    how.access = OpenOptions::Access::immutable;
    how.role = Role::target;
    Database database(path, how, stop);
    check_integrity(database, path, warnings, stop);
}

void check_integrity(Database& database, const std::filesystem::path& path,
                     std::vector<std::string>& warnings, std::stop_token stop) {
    sqlite3_progress_handler(database.handle(), kInstructionsBetweenLooks, is_stopped, &stop);
    std::string found;
    try {
        found = database.text("PRAGMA integrity_check(1)");
    } catch (const SqliteError& error) {
        sqlite3_progress_handler(database.handle(), 0, nullptr, nullptr);
        if (error.primary_code() == SQLITE_INTERRUPT) {
            throw Cancelled();
        }
        if (error.primary_code() == SQLITE_ERROR) {
            warnings.push_back(fmt::format("integrity_check was not possible: {}", error.what()));
            return;
        }
        found = error.what();
    }
    sqlite3_progress_handler(database.handle(), 0, nullptr, nullptr);
    if (found != "ok") {
        throw explained<SourceError>(
            fmt::format("the restored {} is damaged, as the source was: {}", path.native(), found),
            "Restore without --verify to get it as it is, or choose an earlier snapshot.",
            "source_corrupt");
    }
}

bool is_same_first_page(BytesView stored, BytesView restored) {
    if (stored.size() != restored.size()) {
        return false;
    }
    for (std::size_t offset = 0; offset < stored.size(); ++offset) {
        if (stored[offset] != restored[offset] && !is_rewritten(offset)) {
            return false;
        }
    }
    return true;
}

}  // namespace dbbackup::sqlite
