#include "archive/entry_names.hpp"

#include "config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

constexpr std::size_t kNameBytesMax = 1000;
/// What Windows allows in no name, and what separates there.
constexpr std::string_view kRefused = "\\:*?\"<>|";

bool is_plain(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte >= 0x20 && byte != 0x7F && kRefused.find(character) == std::string_view::npos;
}

bool is_safe_part(std::string_view part) {
    return !part.empty() && part != "." && part != ".." &&
           std::all_of(part.begin(), part.end(), is_plain);
}

/// One part of a path, made safe.
std::string cleaned(std::string_view part) {
    std::string safe;
    while (!part.empty()) {
        const std::size_t valid = utf8_prefix_bytes(part);
        for (const char each : part.substr(0, valid)) {
            safe += is_plain(each) ? each : '_';
        }
        part.remove_prefix(valid);
        if (!part.empty()) {
            safe += '_';
            part.remove_prefix(1);
        }
    }
    return safe == "." || safe == ".." ? std::string(safe.size(), '_') : safe;
}

/// Calls `visit` with each part of a path, empty ones too.
template <class Visit>
void for_each_part(std::string_view path, Visit visit) {
    for (std::size_t end = path.find('/'); end != std::string_view::npos; end = path.find('/')) {
        visit(path.substr(0, end));
        path.remove_prefix(end + 1);
    }
    visit(path);
}

}  // namespace

bool is_safe_entry_name(std::string_view name) {
    bool is_safe = name.size() <= kNameBytesMax && utf8_prefix_bytes(name) == name.size();
    for_each_part(name, [&](std::string_view part) { is_safe = is_safe && is_safe_part(part); });
    return is_safe;
}

std::string EntryNames::unique(std::string_view wanted) {
    std::string name;
    for_each_part(wanted, [&](std::string_view part) {
        if (const std::string safe = cleaned(part); !safe.empty()) {
            name += (name.empty() ? "" : "/") + safe;
        }
    });
    if (name.empty() || name.size() > kNameBytesMax) {
        name = "database";
    }
    std::string chosen = name;
    for (unsigned number = 2; !taken_.insert(chosen).second; ++number) {
        chosen = fmt::format("{}-{}", name, number);
    }
    return chosen;
}

}  // namespace dbbackup
