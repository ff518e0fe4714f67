#include "connector/sqlite/definition.hpp"

#include "base/plain_json.hpp"
#include "connector/sqlite/reachability.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace dbbackup::sqlite {
namespace {

constexpr std::size_t kUserVersion = 60;  // offsets in the file header
constexpr std::size_t kApplicationId = 68;
constexpr std::array<const char*, 3> kAutoVacuumNames = {"none", "full", "incremental"};

nlohmann::json objects_of(View& view, std::uint64_t bytes_max, bool& is_cut) {
    nlohmann::json objects = nlohmann::json::array();
    std::uint64_t bytes = 0;
    view.database().query(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid", [&](const Row& row) {
            nlohmann::json object = {{"type", row.text(0)},
                                     {"name", row.text(1)},
                                     {"table", row.text(2)},
                                     {"sql", row.text(3)}};
            bytes += row.text(1).size() + row.text(2).size() + row.text(3).size() + 64;
            is_cut = is_cut || bytes > bytes_max;
            if (!is_cut) {
                objects.push_back(std::move(object));
            }
        });
    return objects;
}

}  // namespace

std::string definition_of(View& view, std::uint64_t objects_bytes_max) {
    nlohmann::json json;
    json["page_size"] = view.page_bytes();
    json["page_count"] = view.page_count();
    json["journal_mode"] = view.journal_mode();
    json["user_version"] = header_field(view.image_header(), kUserVersion);
    json["application_id"] = header_field(view.image_header(), kApplicationId);
    if (!view.is_damaged()) {
        json["encoding"] = view.database().text("PRAGMA encoding");
        const auto mode = view.database().integer("PRAGMA auto_vacuum");
        json["auto_vacuum"] = kAutoVacuumNames.at(static_cast<std::size_t>(mode));
        bool is_cut = false;
        json["objects"] = objects_of(view, objects_bytes_max, is_cut);
        json["objects_cut"] = is_cut;
    }
    if (const auto facts = facts_of(view.path())) {
        json["owner"] = {{"uid", facts->owner}, {"gid", facts->group}, {"mode", facts->mode}};
    }
    // Names may hold bytes that are no UTF-8: shown replaced; the pages keep them as they are.
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Ownership> ownership_in(std::string_view definition) {
    try {
        const auto json = parse_plain_json(definition);
        const auto& owner = json.at("owner");
        return Ownership{owner.at("uid").get<std::uint32_t>(), owner.at("gid").get<std::uint32_t>(),
                         owner.at("mode").get<std::uint32_t>() & 0777U};
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

}  // namespace dbbackup::sqlite
