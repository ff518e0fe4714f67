#include "config/dotenv.hpp"

#include <algorithm>
#include <optional>

namespace dbbackup {
namespace {

constexpr std::string_view kBlank = " \t";
constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

void skip_blanks(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
}

/// Takes a quoted value off the front of `text`. Nothing when the closing quote is missing.
std::optional<std::string> take_quoted(std::string_view& text) {
    const char quote = text.front();
    std::string value;
    for (std::size_t at = 1; at < text.size(); ++at) {
        const char character = text[at];
        if (character == quote) {
            text.remove_prefix(at + 1);
            return value;
        }
        if (quote == '"' && character == '\\' && at + 1 < text.size()) {
            const char escaped = text[++at];
            constexpr std::string_view kPlain = "\"\\$";
            if (escaped == 'n' || escaped == 't') {
                value += escaped == 'n' ? '\n' : '\t';
            } else if (kPlain.find(escaped) != std::string_view::npos) {
                value += escaped;
            } else {
                value += {'\\', escaped};
            }
            continue;
        }
        value += character;
    }
    return std::nullopt;
}

std::string take_plain(std::string_view& text) {
    std::size_t end = text.size();
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '#' && (at == 0 || kBlank.find(text[at - 1]) != std::string_view::npos)) {
            end = at;
            break;
        }
    }
    std::string_view value = text.substr(0, end);
    text.remove_prefix(end);
    value = value.substr(0, value.find_last_not_of(kBlank) + 1);  // npos + 1 is 0
    return std::string(value);
}

/// One line, without its line break. What is wrong with it is returned; empty when nothing is.
std::string_view take_line(std::string_view line, std::string& name, std::string& value) {
    constexpr std::string_view kExport = "export";
    if (line.starts_with(kExport) && line.size() > kExport.size() &&
        kBlank.find(line[kExport.size()]) != std::string_view::npos) {
        line.remove_prefix(kExport.size());
        skip_blanks(line);
    }
    const std::size_t length = std::min(line.find_first_not_of(kNameCharacters), line.size());
    name = line.substr(0, length);
    line.remove_prefix(length);
    skip_blanks(line);
    if (name.empty() || (name.front() >= '0' && name.front() <= '9')) {
        return "a line must be KEY=VALUE, and a key of letters, digits and _";
    }
    if (line.empty() || line.front() != '=') {
        return "there is no = after the key";
    }
    line.remove_prefix(1);
    skip_blanks(line);
    if (line.empty() || (line.front() != '"' && line.front() != '\'')) {
        value = take_plain(line);
        return {};
    }
    std::optional<std::string> quoted = take_quoted(line);
    if (!quoted) {
        return "the closing quote is missing";
    }
    value = std::move(*quoted);
    skip_blanks(line);
    return line.empty() || line.front() == '#' ? "" : "there is text after the closing quote";
}

}  // namespace

std::map<std::string, DotenvEntry> parse_dotenv(std::string_view text, std::string_view file,
                                                Problems& problems) {
    std::map<std::string, DotenvEntry> entries;
    if (text.starts_with("\xef\xbb\xbf")) {
        text.remove_prefix(3);
    }
    const std::size_t valid = std::min(utf8_prefix_bytes(text), text.find('\0'));
    if (valid < text.size()) {
        problems.add(file, mark_of(text, valid), "", "is not UTF-8 text");
        return entries;
    }
    unsigned number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        const std::size_t indentation = std::min(line.find_first_not_of(kBlank), line.size());
        line.remove_prefix(indentation);
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const Mark mark{number, static_cast<unsigned>(indentation) + 1};
        std::string name;
        DotenvEntry entry{"", mark};
        const std::string_view problem = take_line(line, name, entry.value);
        if (!problem.empty()) {
            // Nothing of the line is shown: what is no key may be a part of a secret.
            problems.add(file, mark, "", problem);
        } else if (!entries.emplace(name, std::move(entry)).second) {
            problems.add(file, mark, name, "is given twice");
        }
    }
    return entries;
}

}  // namespace dbbackup
