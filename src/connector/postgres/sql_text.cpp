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

std::string encoding_of_names(std::string_view encoding) {
    const bool is_convertible = encoding != "SQL_ASCII" && encoding != "MULE_INTERNAL";
    return is_convertible ? "UTF8" : std::string(encoding);
}

std::string encoding_of_rows(std::string_view encoding) {
    return encoding_of_names(encoding) == encoding
               ? std::string()
               : fmt::format(" WITH (ENCODING {})", literal(encoding));
}

}  // namespace dbbackup::postgres
