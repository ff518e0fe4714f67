#include "schedule/state_file.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <chrono>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kParts =
    "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL)";

}  // namespace

std::unique_ptr<OwnDatabase> open_state_file(const std::filesystem::path& file,
                                             std::stop_token stop) {
    constexpr std::chrono::seconds kPatience(30);
    make_state_folder(file.parent_path());
    try {
        auto database = std::make_unique<OwnDatabase>(file, kPatience, std::move(stop));
        database->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        database->execute(kParts);
        return database;
    } catch (OwnDatabaseError& error) {
        error.set_code("state_unusable");
        error.set_hint(
            error.is_damage()
                ? "Move the file away: what ran and what is still to be told is then forgotten."
                : "See that this user can write there, or set XDG_STATE_HOME to another folder.");
        throw;
    }
}

void make_state_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        throw explained<ConfigError>(
            fmt::format("cannot make the folder {}: {}", folder.native(), error.message()),
            "See that this user can write there, or set XDG_STATE_HOME to another folder.",
            "state_unusable");
    }
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
