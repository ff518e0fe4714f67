#include "connector/postgres/schema_definition.hpp"

#include "base/error.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace dbbackup::postgres {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string SchemaDefinition::json() const {
    Json tables = Json::array();
    for (const TableName& table : left_out) {
        tables.push_back({table.schema, table.name});
    }
    Json keys = Json::array();
    for (const ForeignKey& key : unchecked_keys) {
        keys.push_back({{"oid", key.oid},
                        {"schema", key.schema},
                        {"table", key.table},
                        {"name", key.name},
                        {"definition", key.definition},
                        {"comment", key.comment},
                        {"is_of_partitioned", key.is_of_partitioned}});
    }
    return Json{{"database", Json::parse(database.json())},
                {"left_out", std::move(tables)},
                {"unchecked_keys", std::move(keys)},
                {"materialized_views", filled_views},
                {"roles", requirements.roles},
                {"extensions", requirements.extensions},
                {"tablespaces", requirements.tablespaces}}
        .dump();
}

SchemaDefinition SchemaDefinition::parse(const std::string& json) {
    try {
        const Json value = Json::parse(json);
        SchemaDefinition definition;
        definition.database = DatabaseProperties::parse(value.at("database").dump());
        for (const Json& table : value.at("left_out")) {
            definition.left_out.push_back({table.at(0), table.at(1)});
        }
        for (const Json& key : value.at("unchecked_keys")) {
            definition.unchecked_keys.push_back({key.at("oid"), key.at("schema"), key.at("table"),
                                                 key.at("name"), key.at("definition"),
                                                 key.at("comment"), key.at("is_of_partitioned")});
        }
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
