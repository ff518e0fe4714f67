#include "cli/selection_arguments.hpp"

#include "cli/argument_values.hpp"

#include <utility>

namespace dbbackup {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// Where the first `border` outside of double quotes stands.
std::size_t border_of(std::string_view text, char border) {
    bool is_quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '"') {
            is_quoted = !is_quoted;
        } else if (text[at] == border && !is_quoted) {
            return at;
        }
    }
    return std::string_view::npos;
}

/// A name, without the quotes that it may have; "" when it is none.
std::string name_of(std::string_view text) {
    text = trimmed(text);
    if (!text.starts_with('"')) {
        return std::string(text);
    }
    std::string name;
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '"') {
            if (at + 1 == text.size()) {
                return name;
            }
            if (text[++at] != '"') {
                return {};
            }
        }
        name += text[at];
    }
    return {};
}

}  // namespace

RowCondition where_argument(std::string_view text) {
    const std::size_t border = border_of(text, ':');
    RowCondition where;
    if (border != std::string_view::npos) {
        where.table = name_of(text.substr(0, border));
        where.condition = trimmed(text.substr(border + 1));
    }
    if (where.table.empty() || where.condition.empty()) {
        throw bad_value("--where", text, "TABLE: SQL CONDITION",
                        "Write --where 'orders: customer_id = 7'.");
    }
    return where;
}

Rename rename_argument(std::string_view text) {
    const std::size_t border = border_of(text, '=');
    Rename rename;
    if (border != std::string_view::npos) {
        rename.from = name_of(text.substr(0, border));
        rename.to = name_of(text.substr(border + 1));
    }
    if (rename.from.empty() || rename.to.empty()) {
        throw bad_value("--rename", text, "OLD=NEW", "Write --rename orders=orders_old.");
    }
    return rename;
}

}  // namespace dbbackup
