#include "connector/sqlite/stored_sql.hpp"

#include <algorithm>
#include <array>

namespace dbbackup::sqlite {
namespace {

constexpr std::array<std::string_view, 6> kPrefixes = {"CREATE TABLE ", "CREATE VIRTUAL TABLE ",
                                                       "CREATE INDEX ", "CREATE UNIQUE INDEX ",
                                                       "CREATE VIEW ",  "CREATE TRIGGER "};

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string doubled(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        out += c;
        if (c == quote) {
            out += c;
        }
    }
    return out + quote;
}

/// Source: sqlite3CtypeMap in SQLite's global.c: letters, digits, '_', '$' and all that is not
/// ASCII.
bool is_name_character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (c >= '0' && c <= '9') || (folded(c) >= 'a' && folded(c) <= 'z') ||
           c == '_' || c == '$';
}

void skip_space(std::string_view& rest) {
    for (;;) {
        const std::size_t space = std::min(rest.find_first_not_of(" \t\n\r\f"), rest.size());
        rest.remove_prefix(space);
        std::size_t end = 0;
        if (rest.starts_with("--")) {
            end = rest.find('\n');
        } else if (rest.starts_with("/*")) {
            end = rest.find("*/", 2);
            end = end == std::string_view::npos ? end : end + 2;
        }
        if (end == 0) {
            return;
        }
        rest.remove_prefix(std::min(end, rest.size()));
    }
}

/// Takes a name, quoted in one of SQLite's four ways or not at all, off `rest`.
std::optional<std::string> take_name(std::string_view& rest) {
    if (rest.empty()) {
        return std::nullopt;
    }
    const char first = rest.front();
    std::string name;
    if (first != '"' && first != '\'' && first != '`' && first != '[') {
        const auto* const end = std::find_if_not(rest.begin(), rest.end(), is_name_character);
        name.assign(rest.begin(), end);
        rest.remove_prefix(name.size());
        return name.empty() ? std::nullopt : std::optional(std::move(name));
    }
    const char last = first == '[' ? ']' : first;
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (rest[at] == last) {
            const bool is_doubled = last != ']' && at + 1 < rest.size() && rest[at + 1] == last;
            if (!is_doubled) {
                rest.remove_prefix(at + 1);
                return name;
            }
            ++at;
        }
        name += rest[at];
    }
    return std::nullopt;
}

}  // namespace

std::string quoted_name(std::string_view name) { return doubled(name, '"'); }

std::string text_literal(std::string_view text) { return doubled(text, '\''); }

bool is_same_name(std::string_view one, std::string_view other) noexcept {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char a, char b) { return folded(a) == folded(b); });
}

std::optional<StoredSql> StoredSql::parse(std::string_view sql) {
    const auto* const prefix =
        std::find_if(kPrefixes.begin(), kPrefixes.end(),
                     [sql](std::string_view each) { return sql.starts_with(each); });
    if (prefix == kPrefixes.end()) {
        return std::nullopt;
    }
    StoredSql parsed;
    parsed.prefix = *prefix;
    std::string_view rest = sql.substr(prefix->size());
    skip_space(rest);
    std::optional<std::string> name = take_name(rest);
    if (!name) {
        return std::nullopt;
    }
    parsed.name = std::move(*name);
    parsed.rest = rest;
    if (*prefix == "CREATE VIRTUAL TABLE ") {
        skip_space(rest);
        const std::optional<std::string> word = take_name(rest);
        skip_space(rest);
        const std::optional<std::string> module = take_name(rest);
        if (!word || !is_same_name(*word, "using") || !module) {
            return std::nullopt;
        }
        parsed.module = *module;
    }
    return parsed;
}

std::string StoredSql::named(std::string_view new_name) const {
    return prefix + quoted_name(new_name) + rest;
}

}  // namespace dbbackup::sqlite
