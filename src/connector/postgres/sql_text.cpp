#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup::postgres {
namespace {

std::string doubled(std::string_view text, char quote) {
    std::string result(1, quote);
    for (const char character : text) {
        result.append(character == quote ? 2 : 1, character);
    }
    return result + quote;
}

std::string stream_part(std::string_view part) {
    const bool is_plain =
        !part.empty() && std::none_of(part.begin(), part.end(), [](char character) {
            return character == '.' || character == ':' || character == '"' ||
                   static_cast<unsigned char>(character) < ' ' || character == '\x7f';
        });
    return is_plain ? std::string(part) : doubled(part, '"');
}

}  // namespace

std::string quoted_name(std::string_view identifier) { return doubled(identifier, '"'); }

std::string quoted_name(std::string_view schema, std::string_view name) {
    return fmt::format("{}.{}", quoted_name(schema), quoted_name(name));
}

std::string literal(std::string_view text) { return doubled(text, '\''); }

std::string stream_name(std::string_view database, std::string_view schema,
                        std::string_view table) {
    return fmt::format("{}.{}.{}", stream_part(database), stream_part(schema), stream_part(table));
}

std::string special_stream_name(std::string_view database, std::string_view what) {
    return fmt::format("{}:{}", database.empty() ? std::string() : stream_part(database), what);
}

std::vector<std::string> parts_of_stream(std::string_view name) {
    std::vector<std::string> parts(1);
    bool is_quoted = false;
    for (std::size_t at = 0; at < name.size(); ++at) {
        const char character = name[at];
        if (character == '"' && is_quoted && at + 1 < name.size() && name[at + 1] == '"') {
            parts.back() += '"';
            ++at;
        } else if (character == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && (character == '.' || character == ':')) {
            parts.emplace_back();
        } else {
            parts.back() += character;
        }
    }
    return parts;
}

}  // namespace dbbackup::postgres
