#include "cli/display_text.hpp"

#include <algorithm>
#include <cstdint>
#include <cwchar>

namespace dbbackup {
namespace {

/// One decoded character: its code point and how many bytes it took. Invalid bytes are taken one
/// by one, as code point kInvalid.
struct Character {
    char32_t code = 0;
    std::size_t length = 1;
};

constexpr char32_t kInvalid = 0xfffd;

/// Source: RFC 3629, section 3 and 4.
Character decoded(std::string_view text) {
    const auto byte = [&text](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) {
        return {first, 1};
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) {
        return {kInvalid, 1};
    }
    char32_t code = first & (0xffU >> (length + 1));
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xc0U) != 0x80) {
            return {kInvalid, 1};
        }
        code = (code << 6U) | (byte(at) & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return overlong || is_surrogate || code > 0x10ffff ? Character{kInvalid, 1}
                                                       : Character{code, length};
}

bool is_control(char32_t code) {
    const bool reorders = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || reorders;
}

std::string cleaned(std::string_view text, bool keeps_lines) {
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const Character character = decoded(text);
        if (character.code == '\n') {
            clean += keeps_lines ? '\n' : ' ';
        } else if (character.code == '\t') {
            clean += ' ';
        } else if (is_control(character.code) ||
                   (character.code == kInvalid && character.length == 1)) {
            clean += '?';
        } else {
            clean += text.substr(0, character.length);
        }
        text.remove_prefix(character.length);
    }
    return clean;
}

std::size_t columns(char32_t code) {
    if (code < 0x80) {
        return 1;
    }
    // Without a UTF-8 locale, wcwidth knows only ASCII.
    const int width = ::wcwidth(static_cast<wchar_t>(code));
    return width < 0 ? 1 : static_cast<std::size_t>(width);
}

/// The length of the word at the front of `text`, or of what must not be broken there.
/// @param before What stands before it.
std::size_t unbreakable_bytes(std::string_view text, std::string_view before) {
    const std::size_t line = std::min(text.find('\n'), text.size());
    if (text.starts_with("db-backup ") && before.ends_with(": ")) {
        return line;
    }
    std::size_t end = 0;
    while (end < line && text[end] != ' ') {
        const char quote = text[end];
        const bool may_open = end == 0 && (quote == '`' || quote == '\'');
        const std::size_t closing = may_open ? text.find(quote, 1) : std::string_view::npos;
        end = closing < line ? closing + 1 : end + 1;
    }
    return end;
}

}  // namespace

std::string printable(std::string_view text) { return cleaned(text, false); }

std::string printable_lines(std::string_view text) { return cleaned(text, true); }

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const Character character = decoded(text);
        width += columns(character.code);
        text.remove_prefix(character.length);
    }
    return width;
}

std::size_t fitting_bytes(std::string_view text, std::size_t width) {
    std::size_t bytes = 0;
    std::size_t used = 0;
    while (bytes < text.size()) {
        const Character character = decoded(text.substr(bytes));
        used += columns(character.code);
        if (used > width) {
            break;
        }
        bytes += character.length;
    }
    return bytes;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t column,
                    std::size_t indent) {
    std::string out;
    bool is_first = true;  // Of its line.
    while (!text.empty()) {
        if (text.front() == '\n' || text.front() == ' ') {
            const bool is_break = text.front() == '\n';
            out += is_break ? "\n" : " ";
            column = is_break ? 0 : column + 1;
            is_first = is_first || is_break;
            text.remove_prefix(1);
            continue;
        }
        const std::string_view word = text.substr(0, unbreakable_bytes(text, out));
        const std::size_t length = display_width(word);
        if (!is_first && column + length > width) {
            out.erase(out.find_last_not_of(' ') + 1);
            out += "\n" + std::string(indent, ' ');
            column = indent;
        }
        out += word;
        column += length;
        is_first = false;
        text.remove_prefix(word.size());
    }
    return out;
}

std::string shortened(std::string_view text, std::size_t width, bool is_utf8) {
    if (display_width(text) <= width) {
        return std::string(text);
    }
    const std::string_view ellipsis = is_utf8 ? "…" : "...";
    const std::size_t ellipsis_width = display_width(ellipsis);
    if (width < ellipsis_width) {
        return std::string(width, '.');
    }
    return std::string(text.substr(0, fitting_bytes(text, width - ellipsis_width))) +
           std::string(ellipsis);
}

}  // namespace dbbackup
