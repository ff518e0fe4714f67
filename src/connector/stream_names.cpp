#include "connector/stream_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace dbbackup {
namespace {

constexpr std::string_view kBorders = ".:";

std::string part_of(std::string_view name) {
    const bool is_plain = !name.empty() && std::none_of(name.begin(), name.end(), [](char letter) {
        return letter == '"' || kBorders.find(letter) != std::string_view::npos ||
               static_cast<unsigned char>(letter) < ' ' || letter == '\x7f';
    });
    if (is_plain) {
        return std::string(name);
    }
    std::string quoted = "\"";
    for (const char letter : name) {
        quoted.append(letter == '"' ? 2 : 1, letter);
    }
    return quoted + '"';
}

}  // namespace

std::string stream_name(std::string_view database, std::string_view schema,
                        std::string_view table) {
    return fmt::format("{}.{}.{}", part_of(database), part_of(schema), part_of(table));
}

std::string special_stream_name(std::string_view database, std::string_view what) {
    return fmt::format("{}:{}", database.empty() ? std::string() : part_of(database), what);
}

std::string database_of_stream(std::string_view stream) {
    if (!stream.starts_with('"')) {
        const std::size_t end = stream.find_first_of(kBorders);
        return end == std::string_view::npos ? std::string() : std::string(stream.substr(0, end));
    }
    std::string name;
    for (std::size_t at = 1; at < stream.size(); ++at) {
        if (stream[at] == '"') {
            const bool is_doubled = at + 1 < stream.size() && stream[at + 1] == '"';
            if (!is_doubled) {
                return at + 1 < stream.size() &&
                               kBorders.find(stream[at + 1]) != std::string_view::npos
                           ? name
                           : std::string();
            }
            ++at;
        }
        name += stream[at];
    }
    return {};
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
        } else if (!is_quoted && kBorders.find(character) != std::string_view::npos) {
            parts.emplace_back();
        } else {
            parts.back() += character;
        }
    }
    return parts;
}

}  // namespace dbbackup
