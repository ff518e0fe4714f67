#include "connector/postgres/notes.hpp"

#include "base/error.hpp"

#include <nlohmann/json.hpp>

namespace dbbackup::postgres {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string Notes::json() const {
    Json value;
    value["database"] = Json::parse(database.json());
    if (tracking) {
        value["tracking"] = Json::parse(tracking->json());
    }
    return value.dump();
}

Notes Notes::parse(const std::string& json) {
    try {
        const Json value = Json::parse(json);
        Notes notes;
        notes.database = DatabaseProperties::parse(value.at("database").dump());
        if (value.contains("tracking")) {
            notes.tracking = TrackingMark::parse(value["tracking"].dump());
        }
        return notes;
    } catch (const Json::exception&) {
        throw CorruptionError("the snapshot's notes on its database are none");
    }
}

std::optional<TrackingMark> tracking_of(const std::string& json) {
    try {
        return Notes::parse(json).tracking;
    } catch (const CorruptionError&) {
        return std::nullopt;
    }
}

std::string SchemaDefinition::json() const {
    return Json{{"materialized_views", filled_views},
                {"roles", requirements.roles},
                {"extensions", requirements.extensions},
                {"tablespaces", requirements.tablespaces}}
        .dump();
}

SchemaDefinition SchemaDefinition::parse(const std::string& json) {
    try {
        const Json value = Json::parse(json);
        SchemaDefinition definition;
        definition.filled_views = value.at("materialized_views");
        definition.requirements.roles = value.at("roles");
        definition.requirements.extensions = value.at("extensions");
        definition.requirements.tablespaces = value.at("tablespaces");
        return definition;
    } catch (const Json::exception&) {
        throw CorruptionError("the snapshot's definition of its schema is none");
    }
}

}  // namespace dbbackup::postgres
