#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

namespace dbbackup::postgres {
namespace {

std::string doubled(std::string_view text, char quote) {
    std::string result(1, quote);
    for (const char character : text) {
        result.append(character == quote ? 2 : 1, character);
    }
    return result + quote;
}

}  // namespace

std::string quoted_name(std::string_view identifier) { return doubled(identifier, '"'); }

std::string quoted_name(std::string_view schema, std::string_view name) {
    return fmt::format("{}.{}", quoted_name(schema), quoted_name(name));
}

std::string literal(std::string_view text) { return doubled(text, '\''); }

}  // namespace dbbackup::postgres
