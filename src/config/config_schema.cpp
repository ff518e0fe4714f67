#include "config/config_keys.hpp"

#include <nlohmann/json.hpp>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

/// What a value of this key may look like. Texts may be numbers in YAML: `password: 1234`.
Json value_schema(const ConfigKey& key) {
    Json schema = {{"description", key.description}};
    switch (key.kind) {
        case KeyKind::version: schema["const"] = 1; break;
        case KeyKind::word:
            schema["type"] = "string";
            schema["enum"] = key.words;
            break;
        case KeyKind::flag: schema["type"] = "boolean"; break;
        case KeyKind::texts:
            schema["type"] = {"string", "number", "array"};
            schema["items"] = {{"type", "string"}, {"minLength", 1}};
            break;
        case KeyKind::list:
            schema["type"] = "array";
            schema["items"] = key.words.empty() ? Json{{"type", "string"}, {"minLength", 1}}
                                                : Json{{"enum", key.words}};
            break;
        case KeyKind::count:
            schema["type"] = "integer";
            schema["minimum"] = key.least;
            schema["maximum"] = key.most;
            break;
        case KeyKind::size: schema["type"] = {"string", "integer"}; break;
        case KeyKind::rate:
        case KeyKind::duration: schema["type"] = "string"; break;
        case KeyKind::age:
            schema["type"] = "string";
            schema["pattern"] = "^([0-9]+(y|mo|w|d|h))+$";
            break;
        case KeyKind::compression:
            schema["type"] = "string";
            schema["pattern"] = "^(zstd(:(1?[1-9]|10))?|gzip(:[1-9])?|zip(:[1-9])?|none)$";
            break;
        case KeyKind::text:
        case KeyKind::secret: schema["type"] = {"string", "number"}; break;
        case KeyKind::uri:
        case KeyKind::location:
        case KeyKind::path:
        case KeyKind::command:
        case KeyKind::hook:
        case KeyKind::variable: schema["type"] = "string"; break;
    }
    if (!key.fallback.empty()) {
        schema["default"] = key.kind == KeyKind::count  ? Json(std::stoull(key.fallback))
                            : key.kind == KeyKind::flag ? Json(key.fallback == "true")
                                                        : Json(key.fallback);
    }
    return schema;
}

Json empty_section() { return {{"type", "object"}, {"additionalProperties", false}}; }

void add_key(Json& root, const ConfigKey& key) {
    const std::vector<std::string> path = split_key(key.path);
    Json* section = &root;
    for (std::size_t at = 0; at < path.size(); ++at) {
        const bool is_last = at + 1 == path.size();
        if (is_last && key.required) {
            (*section)["required"].push_back(path[at]);
        }
        Json& place = path[at] == "*" ? (*section)["additionalProperties"]
                                      : (*section)["properties"][path[at]];
        if (is_last) {
            place = value_schema(key);
        } else if (!place.is_object()) {
            place = empty_section();
        }
        section = &place;
    }
}

}  // namespace

std::string config_schema() {
    Json root = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                 {"title", "db-backup configuration"}};
    root.update(empty_section());
    for (const ConfigKey& key : config_keys()) {
        add_key(root, key);
    }
    return root.dump(2) + "\n";
}

std::string_view kind_name(KeyKind kind) {
    switch (kind) {
        case KeyKind::version: return "number";
        case KeyKind::text: return "text";
        case KeyKind::word: return "word";
        case KeyKind::uri: return "URI";
        case KeyKind::location: return "URL or path";
        case KeyKind::path: return "path";
        case KeyKind::secret: return "secret";
        case KeyKind::command:
        case KeyKind::hook: return "command";
        case KeyKind::variable: return "variable name";
        case KeyKind::flag: return "true or false";
        case KeyKind::list: return "list of texts";
        case KeyKind::texts: return "text or list of texts";
        case KeyKind::count: return "number";
        case KeyKind::size: return "size";
        case KeyKind::rate: return "rate";
        case KeyKind::duration: return "duration";
        case KeyKind::age: return "age";
        case KeyKind::compression: return "codec";
    }
    return "";
}

}  // namespace dbbackup
