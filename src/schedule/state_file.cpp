#include "schedule/state_file.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kParts =
    "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL)";

}  // namespace

std::unique_ptr<OwnDatabase> open_state_file(const std::filesystem::path& file,
                                             std::stop_token stop) {
    constexpr std::chrono::seconds kPatience(30);
    std::filesystem::create_directories(file.parent_path());
    auto database = std::make_unique<OwnDatabase>(file, kPatience, std::move(stop));
    database->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database->execute(kParts);
    return database;
}

std::unique_ptr<OwnDatabase> state_in_memory() {
    auto database = std::make_unique<OwnDatabase>(std::stop_token());
    database->execute(kParts);
    return database;
}

bool needs_tables(OwnDatabase& database, std::string_view part, int version) {
    OwnStatement row = database.prepare("SELECT version FROM parts WHERE name = ?");
    row.bind(0, part);
    if (!row.step()) {
        OwnStatement insert = database.prepare("INSERT INTO parts VALUES (?, ?)");
        insert.bind(0, part).bind(1, std::int64_t{version}).run();
        return true;
    }
    if (row.integer(0) > version) {
        throw explained<RepositoryError>(
            "the state folder was written by a later version of db-backup",
            "Use that version, or another state folder ($XDG_STATE_HOME).", "newer_version");
    }
    return false;
}

}  // namespace dbbackup
