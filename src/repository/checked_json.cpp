#include "repository/checked_json.hpp"

#include "base/error.hpp"
#include "base/plain_json.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>

namespace dbbackup {
namespace {

constexpr int kIndent = 2;

std::string spell(const nlohmann::json& object) {
    return object.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

[[noreturn]] void damaged(std::string_view name) {
    throw explained<CorruptionError>(
        fmt::format("{} is damaged: its bytes are not those that were written", name),
        "Put back this object from a copy of the repository.");
}

}  // namespace

std::string hashed_text(nlohmann::json object) {
    object.erase("sha256");
    object.erase("mac");
    return object.dump();
}

Bytes encode_checked_json(nlohmann::json object) {
    object["sha256"] = to_hex(sha256(as_bytes(hashed_text(object))));
    const std::string text = spell(object);
    return {text.begin(), text.end()};
}

nlohmann::json decode_checked_json(std::string_view name, BytesView content) {
    const nlohmann::json object = parse_plain_json(as_text(content));
    if (!object.is_object() || !object.contains("sha256") || !object["sha256"].is_string()) {
        damaged(name);
    }
    try {
        if (object["sha256"] != to_hex(sha256(as_bytes(hashed_text(object)))) ||
            spell(object) != as_text(content)) {
            damaged(name);
        }
    } catch (const nlohmann::json::exception&) {
        damaged(name);  // Bytes that are no UTF-8.
    }
    return object;
}

}  // namespace dbbackup
