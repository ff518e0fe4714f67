#include "config/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

namespace dbbackup {
namespace {

using Path = std::vector<std::string>;

constexpr std::string_view kVariablePrefix = "DB_BACKUP__";
constexpr std::size_t kNameBytesMax = 64;

/// Whether the first `count` parts of the two agree.
bool agrees(const Path& pattern, const Path& path, std::size_t count) {
    if (pattern.size() < count || path.size() < count) {
        return false;
    }
    for (std::size_t at = 0; at < count; ++at) {
        if (pattern[at] != "*" && pattern[at] != path[at]) {
            return false;
        }
    }
    return true;
}

Path names_in(const Path& pattern, const Path& path) {
    Path names;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] == "*") {
            names.push_back(path[at]);
        }
    }
    return names;
}

bool is_good_name(std::string_view name) {
    const auto is_letter_or_digit = [](char character) {
        return std::isalnum(static_cast<unsigned char>(character)) != 0;
    };
    return !name.empty() && name.size() <= kNameBytesMax && is_letter_or_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char character) {
               return is_letter_or_digit(character) || character == '-' || character == '_' ||
                      character == '.';
           });
}

/// Walks a document and keeps what the table knows.
class DocumentWalk {
public:
    DocumentWalk(const Origin& origin, Settings& settings, Problems& problems)
        : origin_(origin), settings_(settings), problems_(problems) {}

    void walk(const YamlNode& map, const Path& path) {
        for (std::size_t at = 0; at < map.items.size(); ++at) {
            Path below = path;
            below.push_back(map.keys[at].text);
            take(below, map.keys[at].mark, map.items[at]);
        }
    }

private:
    void take(const Path& path, Mark mark, const YamlNode& value) {
        const ConfigKey* leaf = nullptr;
        bool is_section = false;
        bool is_name = false;
        for (const ConfigKey& key : config_keys()) {
            const Path& pattern = key.parts;
            if (agrees(pattern, path, path.size())) {
                leaf = pattern.size() == path.size() ? &key : leaf;
                is_section = is_section || pattern.size() > path.size();
                is_name = is_name || pattern[path.size() - 1] == "*";
            }
        }
        if (leaf == nullptr && !is_section) {
            add_unknown_key(path, mark);
            return;
        }
        if (is_name && !is_good_name(path.back())) {
            problems_.add(origin_.file, mark, key_text(path),
                          "a name must be letters, digits, '-', '_' and '.', at most 64");
            return;
        }
        Origin here = origin_;
        here.mark = mark;
        here.label += fmt::format(":{}", mark.line);
        if (leaf != nullptr) {
            settings_.by_path[path] = {leaf, path, names_in(leaf->parts, path), value,
                                       std::move(here)};
            return;
        }
        if (is_name) {
            settings_.sections[path] = here;
        }
        if (value.kind == YamlNode::Kind::map) {
            walk(value, path);
        } else if (value.kind != YamlNode::Kind::null) {
            problems_.add(origin_.file, value.mark, key_text(path), "must be a map of keys");
        }
    }

    void add_unknown_key(Path path, const Mark& mark) {
        const std::size_t colon = path.back().find(':');
        if (colon == std::string::npos) {
            problems_.add(origin_.file, mark, key_text(path), "unknown key", suggestion(path));
            return;
        }
        // `{passphrase:SECRET}` is a key to YAML. What follows the colon is not for others to read.
        path.back().resize(colon);
        problems_.add(origin_.file, mark, key_text(path),
                      "a space is missing after the colon, so this is no key");
    }

    static std::string suggestion(const Path& path) {
        std::set<std::string> candidates;
        for (const ConfigKey& key : config_keys()) {
            const Path& pattern = key.parts;
            if (pattern.size() >= path.size() && agrees(pattern, path, path.size() - 1)) {
                candidates.insert(pattern[path.size() - 1]);
            }
        }
        return nearest(path.back(), Path(candidates.begin(), candidates.end()));
    }

    const Origin& origin_;
    Settings& settings_;
    Problems& problems_;
};

std::string upper(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char letter) {
        return letter == '-' ? '_' : static_cast<char>(std::toupper(letter));
    });
    return result;
}

/// "SOURCES__SHOP__TYPE" -> {"SOURCES", "SHOP", "TYPE"}
Path split_variable(std::string_view text) {
    Path parts;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find("__", start), text.size());
        parts.emplace_back(text.substr(start, end - start));
        start = end + 2;
    }
    return parts;
}

/// The name that the file gives the section or tag which a variable calls `part`: a variable
/// cannot tell "my-shop" from "MY_SHOP".
std::string existing_name(const Settings& settings, const Path& parents, const std::string& part) {
    const auto matches = [&](const Path& path) {
        return path.size() > parents.size() &&
               std::equal(parents.begin(), parents.end(), path.begin()) &&
               upper(path[parents.size()]) == part;
    };
    for (const auto& [path, origin] : settings.sections) {
        if (matches(path)) {
            return path[parents.size()];
        }
    }
    for (const auto& [path, setting] : settings.by_path) {
        if (matches(path)) {
            return path[parents.size()];
        }
    }
    std::string name = part;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return name;
}

/// The path that a pattern means for a variable's parts, or nothing.
std::optional<Path> match(const Settings& settings, const Path& pattern, const Path& parts) {
    if (pattern.size() != parts.size()) {
        return std::nullopt;
    }
    Path path;
    for (std::size_t at = 0; at < parts.size(); ++at) {
        if (pattern[at] == "*") {
            path.push_back(existing_name(settings, path, parts[at]));
            if (!is_good_name(path.back())) {
                return std::nullopt;
            }
        } else if (upper(pattern[at]) == parts[at]) {
            path.push_back(pattern[at]);
        } else {
            return std::nullopt;
        }
    }
    return path;
}

std::string variable_suggestion(const Path& parts) {
    Path candidates;
    for (const ConfigKey& key : config_keys()) {
        Path pattern = key.parts;
        for (std::size_t at = 0; at < pattern.size(); ++at) {
            if (pattern[at] == "*") {
                pattern[at] = at < parts.size() ? parts[at] : "NAME";
            }
        }
        candidates.push_back(variable_of(pattern));
    }
    return nearest(variable_of(parts), candidates);
}

/// A variable's text as the value of a key: only lists are more than a text.
YamlNode value_of_text(const ConfigKey& key, const std::string& text) {
    if (key.kind != KeyKind::list) {
        return {.kind = YamlNode::Kind::scalar, .text = text};
    }
    YamlNode list{.kind = YamlNode::Kind::list};
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        std::string_view part = std::string_view(text).substr(start, end - start);
        part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
        part = part.substr(0, part.find_last_not_of(' ') + 1);
        list.items.push_back({.kind = YamlNode::Kind::scalar, .text = std::string(part)});
        start = end + 1;
    }
    return list;
}

}  // namespace

std::string key_text(const std::vector<std::string>& path) {
    return fmt::format("{}", fmt::join(path, "."));
}

bool collect_document(const YamlNode& root, const Origin& origin, Settings& settings,
                      Problems& problems) {
    if (root.kind == YamlNode::Kind::map) {
        DocumentWalk(origin, settings, problems).walk(root, {});
    } else if (root.kind != YamlNode::Kind::null) {
        problems.add(origin.file, root.mark, "", "the document must be a map of keys");
        return false;
    }
    return true;
}

void collect_variables(const std::vector<VariableText>& variables, Settings& settings,
                       Problems& problems) {
    std::map<Path, std::string> seen;
    for (const VariableText& variable : variables) {
        const std::string name = upper(variable.name);
        if (!name.starts_with(kVariablePrefix)) {
            continue;
        }
        const Path parts = split_variable(std::string_view(name).substr(kVariablePrefix.size()));
        bool known = false;
        for (const ConfigKey& key : config_keys()) {
            const Path& pattern = key.parts;
            const std::optional<Path> path = match(settings, pattern, parts);
            if (!path) {
                continue;
            }
            known = true;
            if (const auto [earlier, is_new] = seen.emplace(*path, variable.name); !is_new) {
                problems.add(variable.origin.file, variable.origin.mark, variable.name,
                             fmt::format("is the same key as {}", earlier->second));
                continue;
            }
            settings.by_path[*path] = {&key, *path, names_in(pattern, *path),
                                       value_of_text(key, variable.value), variable.origin};
            if (pattern.size() > 2 && pattern[1] == "*") {
                settings.sections.try_emplace({(*path)[0], (*path)[1]}, variable.origin);
            }
        }
        if (!known) {
            problems.add(variable.origin.file, variable.origin.mark, variable.name, "no such key",
                         variable_suggestion(parts));
        }
    }
}

void settle_groups(Settings& settings, Problems& problems) {
    std::map<Path, std::vector<const Setting*>> groups;
    for (const auto& [path, setting] : settings.by_path) {
        if (!setting.key->group.empty()) {
            Path base = path;
            base.back() = split_key(setting.key->group).back();
            groups[base].push_back(&setting);
        }
    }
    std::vector<Path> dropped;
    for (auto& [base, members] : groups) {
        std::stable_sort(members.begin(), members.end(), [](const auto* first, const auto* second) {
            return first->origin.layer > second->origin.layer;
        });
        for (std::size_t at = 1; at < members.size(); ++at) {
            if (members[at]->origin.layer == members[0]->origin.layer) {
                problems.add(
                    members[at]->origin.file, members[at]->origin.mark, key_text(members[at]->path),
                    fmt::format("{} is given too; keep one of them", members[0]->path.back()));
            }
            dropped.push_back(members[at]->path);
        }
    }
    for (const Path& path : dropped) {
        settings.by_path.erase(path);
    }
}

}  // namespace dbbackup
