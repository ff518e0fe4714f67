#include "archive/archive_manifest.hpp"

#include "archive/archive_error.hpp"
#include "archive/entry_names.hpp"
#include "base/plain_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace dbbackup {
namespace {

constexpr const char* kFormat = "db-backup archive";
constexpr int kVersion = 1;

ArchivedDatabase database_of(const nlohmann::json& json) {
    ArchivedDatabase database;
    database.name = json.at("name").get<std::string>();
    database.file = json.at("file").get<std::string>();
    database.size_bytes = json.at("bytes").get<std::uint64_t>();
    const Bytes digest = from_hex(json.at("sha256").get<std::string>());
    if (digest.size() != database.sha256.size() || !is_safe_entry_name(database.file)) {
        throw archive_damaged("the manifest of the archive names a database that cannot be");
    }
    std::copy(digest.begin(), digest.end(), database.sha256.begin());
    return database;
}

ArchiveManifest manifest_of(const nlohmann::json& json) {
    ArchiveManifest manifest;
    manifest.source_name = json.at("source").get<std::string>();
    const auto type = value_of<DatabaseType>(json.at("type").get<std::string>());
    if (json.at("format").get<std::string>() != kFormat || !type) {
        throw archive_damaged("the manifest of the archive is none of db-backup");
    }
    if (json.at("version").get<int>() != kVersion) {
        throw explained<RepositoryError>("the archive was made by a newer db-backup",
                                         "Restore it with that version, or unpack it by hand.",
                                         "archive_too_new");
    }
    manifest.type = *type;
    manifest.server_version = json.at("server_version").get<std::string>();
    for (const nlohmann::json& each : json.at("databases")) {
        manifest.databases.push_back(database_of(each));
    }
    return manifest;
}

}  // namespace

std::string manifest_text(const ArchiveManifest& manifest) {
    nlohmann::ordered_json json = {
        {"format", kFormat},
        {"version", kVersion},
        {"tool", manifest.tool},
        {"source", manifest.source_name},
        {"type", word_of(manifest.type)},
        {"server_version", manifest.server_version},
        {"time", format_rfc3339(manifest.taken_at)},
        {"snapshot", manifest.snapshot_id.empty() ? nlohmann::ordered_json(nullptr)
                                                  : nlohmann::ordered_json(manifest.snapshot_id)},
        {"tags", nlohmann::ordered_json(manifest.tags)},
        {"databases", nlohmann::ordered_json::array()},
    };
    for (const ArchivedDatabase& each : manifest.databases) {
        json["databases"].push_back({{"name", each.name},
                                     {"file", each.file},
                                     {"bytes", each.size_bytes},
                                     {"sha256", to_hex(each.sha256)}});
    }
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

ArchiveManifest parse_manifest(std::string_view text) {
    try {
        return manifest_of(parse_plain_json(text));
    } catch (const nlohmann::json::exception&) {
        throw archive_damaged("the manifest of the archive cannot be read");
    }
}

}  // namespace dbbackup
