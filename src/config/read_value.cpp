#include "config/read_value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace dbbackup {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kTextBytesMax = 64_KiB;

bool is_variable_name(std::string_view name) {
    const auto is_letter = [](char character) {
        return std::isalpha(static_cast<unsigned char>(character)) != 0 || character == '_';
    };
    return !name.empty() && is_letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char character) {
               return is_letter(character) ||
                      std::isdigit(static_cast<unsigned char>(character)) != 0;
           });
}

/// Replaces `${NAME}` and `$$`. Returns what is wrong, or an empty text.
std::string expand(std::string& text, const Environment& variables) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char next = at + 1 < text.size() ? text[at + 1] : '\0';
        if (text[at] != '$' || (next != '$' && next != '{')) {
            result += text[at];
            continue;
        }
        if (next == '$') {
            result += '$';
            ++at;
            continue;
        }
        const std::size_t end = text.find('}', at);
        const std::string name = text.substr(at + 2, end == std::string::npos ? end : end - at - 2);
        if (end == std::string::npos || !is_variable_name(name)) {
            return "${ must be followed by a variable's name and }; write $$ for a dollar";
        }
        const auto found = variables.find(name);
        if (found == variables.end()) {
            return fmt::format("the variable {} is not set", name);
        }
        result += found->second;
        if (result.size() > kTextBytesMax) {
            return "is too long";
        }
        at = end;
    }
    text = std::move(result);
    return {};
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, failed] = std::from_chars(text.data(), end, number);
    return failed == std::errc() && stopped == end ? std::optional(number) : std::nullopt;
}

/// A list of words as a person reads it.
std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

/// "s3:bucket": as a folder of that name it is hardly meant.
bool has_scheme_without_slashes(std::string_view location) {
    const std::string_view first = location.substr(0, location.find('/'));
    return !first.starts_with('.') && first.find(':') != std::string_view::npos;
}

bool needs_content(KeyKind kind) {
    return kind == KeyKind::location || kind == KeyKind::path || kind == KeyKind::secret ||
           kind == KeyKind::command || kind == KeyKind::variable;
}

class Reader {
public:
    Reader(const Setting& setting, const Environment& variables, Problems& problems)
        : setting_(setting), key_(*setting.key), variables_(variables), problems_(problems) {}

    std::optional<KeyValue> read() {
        KeyValue value;
        const bool is_list =
            key_.kind == KeyKind::texts && setting_.value.kind == YamlNode::Kind::list;
        if (key_.kind == KeyKind::list || is_list) {
            return read_list(value) ? std::optional(value) : std::nullopt;
        }
        if (!read_text(setting_.value, value.text) || !check(value)) {
            return std::nullopt;
        }
        return value;
    }

private:
    bool wrong(std::string_view problem, std::string_view suggestion = {}) {
        const Mark mark = setting_.value.mark.line > 0 ? setting_.value.mark : setting_.origin.mark;
        const std::string key = setting_.origin.layer == Layer::file ? key_text(setting_.path)
                                                                     : variable_of(setting_.path);
        problems_.add(setting_.origin.file, mark, key, problem, suggestion);
        return false;
    }

    bool read_text(const YamlNode& node, std::string& text) {
        switch (node.kind) {
            case YamlNode::Kind::null: return wrong("has no value");
            case YamlNode::Kind::list: return wrong(must_be() + ", not a list");
            case YamlNode::Kind::map: return wrong(must_be() + ", not a map");
            case YamlNode::Kind::scalar: break;
        }
        text = node.text;
        if (setting_.origin.layer == Layer::file) {
            if (const std::string problem = expand(text, variables_); !problem.empty()) {
                return wrong(problem);
            }
        }
        if (text.find('\0') != std::string::npos) {
            return wrong("holds a NUL character");
        }
        return text.size() <= kTextBytesMax || wrong("is too long");
    }

    bool read_list(KeyValue& value) {
        if (setting_.value.kind != YamlNode::Kind::list) {
            return wrong("must be a list, such as " + key_.example);
        }
        for (const YamlNode& item : setting_.value.items) {
            std::string text;
            if (!read_text(item, text)) {
                return false;
            }
            if (text.empty()) {
                return wrong("an item is empty");
            }
            if (!key_.words.empty() && !check_word(text)) {
                return false;
            }
            value.list.push_back(std::move(text));
        }
        return true;
    }

    [[nodiscard]] std::string must_be() const {
        return key_.words.empty() || key_.kind == KeyKind::list
                   ? fmt::format("must be a {}", kind_name(key_.kind))
                   : fmt::format("must be one of {}", joined(key_.words));
    }

    bool check(KeyValue& value) {
        if (value.text.empty() && needs_content(key_.kind)) {
            return wrong("is empty");
        }
        switch (key_.kind) {
            case KeyKind::version: return check_version(value);
            case KeyKind::word:
            case KeyKind::flag: return check_word(value.text);
            case KeyKind::count: return check_count(value);
            case KeyKind::size: return check_size(value);
            case KeyKind::rate: return check_rate(value);
            case KeyKind::duration: return check_duration(value);
            case KeyKind::age: return check_age(value.text);
            case KeyKind::compression: return check_compression(value.text);
            case KeyKind::variable:
                return is_variable_name(value.text) ||
                       wrong("must be the name of a variable: letters, digits and _");
            case KeyKind::path:
                value.text = resolved_path(value.text, setting_.origin.folder, variables_);
                return true;
            case KeyKind::location:
                if (value.text.find("://") == std::string::npos) {
                    if (has_scheme_without_slashes(value.text)) {
                        return wrong(
                            "has a ':' that '//' does not follow; write "
                            "scheme://bucket/prefix, or ./ before a path with a ':' in "
                            "it");
                    }
                    value.text = resolved_path(value.text, setting_.origin.folder, variables_);
                }
                return true;
            case KeyKind::text:
            case KeyKind::uri:
            case KeyKind::secret:
            case KeyKind::command:
            case KeyKind::hook:
            case KeyKind::texts:
            case KeyKind::list: return true;
        }
        return true;
    }

    bool check_version(KeyValue& value) {
        const std::optional<std::uint64_t> number = whole_number(value.text);
        if (!number || *number == 0) {
            return wrong(fmt::format("must be {}", kVersion));
        }
        value.number = *number;
        return *number <= kVersion ||
               wrong(fmt::format("{} is newer than this program, which reads version {}: update "
                                 "db-backup",
                                 *number, kVersion));
    }

    bool check_word(const std::string& text) {
        const bool known =
            std::find(key_.words.begin(), key_.words.end(), text) != key_.words.end();
        return known ||
               wrong(fmt::format("\"{}\" is not one of {}", shown(text), joined(key_.words)),
                     nearest(text, key_.words));
    }

    bool check_count(KeyValue& value) {
        const std::optional<std::uint64_t> number = whole_number(value.text);
        value.number = number.value_or(0);
        return (number && *number >= key_.least && *number <= key_.most) ||
               wrong(fmt::format("\"{}\" is not a whole number from {} to {}", shown(value.text),
                                 key_.least, key_.most));
    }

    bool check_size(KeyValue& value) {
        if (lacks_unit(value.text)) {
            return wrong(fmt::format("\"{0}\" has no unit; write for example {0}MiB or {0}GiB",
                                     shown(value.text)));
        }
        const std::optional<std::uint64_t> bytes = parse_size(value.text);
        if (!bytes) {
            return wrong(
                fmt::format("\"{}\" is not a size, such as {}", shown(value.text), key_.example));
        }
        value.number = *bytes;
        return (*bytes >= key_.least && *bytes <= key_.most) ||
               wrong(fmt::format("\"{}\" is not from {} to {}", shown(value.text),
                                 format_size(key_.least), format_size(key_.most)));
    }

    bool check_rate(KeyValue& value) {
        const std::optional<std::uint64_t> bytes = parse_rate(value.text);
        value.number = bytes.value_or(0);
        return (bytes && *bytes >= key_.least && *bytes <= key_.most) ||
               wrong(fmt::format("\"{}\" is not a rate from {}/s to {}/s, such as {}",
                                 shown(value.text), format_size(key_.least), format_size(key_.most),
                                 key_.example));
    }

    bool check_duration(KeyValue& value) {
        const std::optional<std::chrono::seconds> duration = parse_duration(value.text);
        if (!duration) {
            return wrong(fmt::format("\"{}\" is not a duration, such as {}", shown(value.text),
                                     key_.example));
        }
        value.number = static_cast<std::uint64_t>(duration->count());
        if (value.number < key_.least) {
            return wrong(fmt::format("\"{}\" is shorter than {} s", shown(value.text), key_.least));
        }
        return value.number <= key_.most ||
               wrong(fmt::format("\"{}\" is longer than {} s", shown(value.text), key_.most));
    }

    bool check_age(const std::string& text) {
        return parse_age(text) ||
               wrong(fmt::format("\"{}\" is not an age, such as {}: whole numbers of y, mo "
                                 "(months), w, d and h",
                                 shown(text), key_.example));
    }

    bool check_compression(const std::string& text) {
        if (Compression::parse(text)) {
            return true;
        }
        const std::vector<std::string> codecs(EnumWords<CompressionKind>::words.begin(),
                                              EnumWords<CompressionKind>::words.end());
        const std::string codec = text.substr(0, text.find(':'));
        const bool known = std::find(codecs.begin(), codecs.end(), codec) != codecs.end();
        return wrong(
            fmt::format("\"{}\" is not zstd[:1-19], gzip[:1-9], zip[:1-9] or none", shown(text)),
            known ? std::string() : nearest(codec, codecs));
    }

    const Setting& setting_;
    const ConfigKey& key_;
    const Environment& variables_;
    Problems& problems_;
};

/// Whether the value of this parameter of a URI must not be shown.
bool is_secret_parameter(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    constexpr std::string_view kSecretWords[] = {"pass", "secret", "token", "key", "sig", "pwd"};
    return std::any_of(
        std::begin(kSecretWords), std::end(kSecretWords),
        [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace

std::optional<KeyValue> read_value(const Setting& setting, const Environment& variables,
                                   Problems& problems) {
    return Reader(setting, variables, problems).read();
}

std::string shown_value(const Setting& setting, const KeyValue& value) {
    switch (setting.key->kind) {
        case KeyKind::secret: return "(secret)";
        case KeyKind::command: return "(command)";
        case KeyKind::hook: return value.text.empty() ? "" : "(command)";
        case KeyKind::list: return fmt::format("[{}]", fmt::join(value.list, ", "));
        case KeyKind::texts:
            return value.list.empty() ? value.text
                                      : fmt::format("[{}]", fmt::join(value.list, ", "));
        case KeyKind::uri:
        case KeyKind::location:
            // A variable may hold a part that is secret, so it is shown unexpanded.
            return masked_uri(setting.value.text.find("${") == std::string::npos
                                  ? value.text
                                  : setting.value.text);
        default: return value.text;
    }
}

std::string resolved_path(const std::string& path, const std::filesystem::path& folder,
                          const Environment& variables) {
    if (path.starts_with("~/")) {
        const auto home = variables.find("HOME");
        if (home != variables.end() && !home->second.empty()) {
            return (std::filesystem::path(home->second) / path.substr(2)).native();
        }
    }
    const std::filesystem::path given(path);
    return given.is_absolute() || folder.empty() ? path
                                                 : (folder / given).lexically_normal().native();
}

std::string masked_uri(std::string_view uri) {
    std::string text(uri);
    const std::size_t scheme = text.find("://");
    if (scheme == std::string::npos) {
        return text;
    }
    const std::size_t start = scheme + 3;
    // A password may hold any character when it was not encoded, so the last @ counts: rather
    // mask too much.
    const std::size_t at = text.rfind('@');
    if (at != std::string::npos && at > start) {
        const std::size_t colon = text.find(':', start);
        if (colon < at) {
            text.replace(colon + 1, at - colon - 1, "***");
        }
    }
    for (std::size_t from = text.find('?'); from < text.size();) {
        const std::size_t end = std::min(text.find_first_of("&;#", from + 1), text.size());
        const std::size_t equals = text.find('=', from);
        if (equals < end &&
            is_secret_parameter(std::string_view(text).substr(from + 1, equals - from - 1))) {
            text.replace(equals + 1, end - equals - 1, "***");
            from = equals + 4;
        } else {
            from = end;
        }
    }
    return text;
}

}  // namespace dbbackup
