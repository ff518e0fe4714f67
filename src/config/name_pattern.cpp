#include "config/name_pattern.hpp"

#include "base/error.hpp"
#include "config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace dbbackup {
namespace {

/// Between two parts; no character of a name.
constexpr char32_t kBorder = 0xffffffff;
/// A byte that is not of valid UTF-8 stands for itself, above all characters.
constexpr char32_t kStrayByte = 0x110000;

/// The character at the start of `text`, which becomes shorter by it.
char32_t next_character(std::string_view& text) {
    const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
    const std::uint8_t first = byte(0);
    std::size_t length = 1;
    if (first >= 0xf0) {
        length = 4;
    } else if (first >= 0xe0) {
        length = 3;
    } else if (first >= 0xc0) {
        length = 2;
    }
    if (first >= 0x80 && (text.size() < length ||
                          utf8_prefix_bytes(text.substr(0, length)) != length || length == 1)) {
        text.remove_prefix(1);
        return kStrayByte + first;
    }
    char32_t character = length == 1 ? first : first & (0x7fU >> length);
    for (std::size_t index = 1; index < length; ++index) {
        character = (character << 6U) | (byte(index) & 0x3fU);
    }
    text.remove_prefix(length);
    return character;
}

char32_t folded(char32_t character) {
    return character >= U'A' && character <= U'Z' ? character + (U'a' - U'A') : character;
}

char32_t upper(char32_t character) {
    return character >= U'a' && character <= U'z' ? character - (U'a' - U'A') : character;
}

[[noreturn]] void refuse(std::string_view pattern, std::string_view problem) {
    throw explained<ConfigError>(
        fmt::format("pattern \"{}\" {}", shown(pattern), problem),
        "Write [database.]table with * for any characters, ? for one, [abc] for one of some, and "
        "a backslash before a character that is meant as it is.",
        "bad_option_value");
}

/// A character of a set; nothing where the pattern ends.
std::optional<char32_t> set_member(std::string_view& rest) {
    if (rest.starts_with('\\')) {
        rest.remove_prefix(1);
    }
    return rest.empty() ? std::nullopt : std::optional(next_character(rest));
}

/// The ranges of a set whose `[` or `[!` was taken from `rest`; nothing when it is not closed.
/// A `]` that comes first is meant as it is.
std::optional<std::u32string> set_ranges(std::string_view& rest) {
    std::u32string ranges;
    while (!rest.empty()) {
        if (rest.front() == ']' && !ranges.empty()) {
            rest.remove_prefix(1);
            return ranges;
        }
        const std::optional<char32_t> first = set_member(rest);
        std::optional<char32_t> last = first;
        if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
            rest.remove_prefix(1);
            last = set_member(rest);
        }
        if (!first || !last) {
            return std::nullopt;
        }
        ranges += {*first, *last};
    }
    return std::nullopt;
}

}  // namespace

NamePattern::NamePattern(std::string_view text) : text_(text), tokens_(parse(text)) {}

std::vector<NamePattern::Token> NamePattern::parse(std::string_view text) {
    if (text.empty()) {
        refuse(text, "is empty");
    }
    std::vector<Token> tokens;
    std::string_view rest = text;
    while (!rest.empty()) {
        Token token{.kind = Token::Kind::character, .ranges = {}};
        token.character = next_character(rest);
        if (token.character == U'\\') {
            if (rest.empty()) {
                refuse(text, "ends in a backslash");
            }
            token.character = next_character(rest);
        } else if (token.character == U'.') {
            token.kind = Token::Kind::border;
        } else if (token.character == U'?') {
            token.kind = Token::Kind::one;
        } else if (token.character == U'*') {
            token.kind = Token::Kind::any;
        } else if (token.character == U'[') {
            token.kind = Token::Kind::set;
            token.is_negated = rest.starts_with('!');
            rest.remove_prefix(token.is_negated ? 1 : 0);
            std::optional<std::u32string> ranges = set_ranges(rest);
            if (!ranges) {
                refuse(text, "has a [ that nothing closes");
            }
            token.ranges = std::move(*ranges);
        }
        tokens.push_back(std::move(token));
    }
    return tokens;
}

bool NamePattern::takes(const Token& token, Letter letter) {
    const auto equal = [&](char32_t first, char32_t last) {
        const char32_t character = letter.character;
        if (first <= character && character <= last) {
            return true;
        }
        const auto is_within = [&](char32_t other) { return first <= other && other <= last; };
        return letter.letter_case == NameCase::ignored &&
               (is_within(folded(character)) || is_within(upper(character)));
    };
    switch (token.kind) {
        case Token::Kind::character: return equal(token.character, token.character);
        case Token::Kind::border: return letter.character == kBorder || letter.character == U'.';
        case Token::Kind::one:
        case Token::Kind::any: return letter.character != kBorder;
        case Token::Kind::set: break;
    }
    bool is_in = false;
    for (std::size_t index = 0; index + 1 < token.ranges.size(); index += 2) {
        is_in = is_in || equal(token.ranges[index], token.ranges[index + 1]);
    }
    return letter.character != kBorder && is_in != token.is_negated;
}

bool NamePattern::covers(std::span<const Letter> letters) const {
    // The places of the pattern that the name so far can have led to: many stars take no longer
    // than few.
    std::vector<bool> reached(tokens_.size() + 1, false);
    const auto skip_stars = [&](std::vector<bool>& places) {
        for (std::size_t place = 0; place < tokens_.size(); ++place) {
            if (places[place] && tokens_[place].kind == Token::Kind::any) {
                places[place + 1] = true;
            }
        }
    };
    reached[0] = true;
    skip_stars(reached);
    for (const Letter& letter : letters) {
        std::vector<bool> next(tokens_.size() + 1, false);
        for (std::size_t place = 0; place < tokens_.size(); ++place) {
            if (reached[place] && takes(tokens_[place], letter)) {
                next[tokens_[place].kind == Token::Kind::any ? place : place + 1] = true;
            }
        }
        skip_stars(next);
        reached = std::move(next);
    }
    return reached.back();
}

bool NamePattern::matches(std::span<const NamePart> parts) const {
    std::vector<Letter> letters;
    std::vector<std::size_t> starts;
    for (const NamePart& part : parts) {
        if (!letters.empty() || !starts.empty()) {
            letters.push_back({.character = kBorder});
        }
        starts.push_back(letters.size());
        for (std::string_view rest = part.text; !rest.empty();) {
            letters.push_back({.character = next_character(rest), .letter_case = part.letter_case});
        }
    }
    return std::any_of(starts.begin(), starts.end(), [&](std::size_t start) {
        return covers(std::span<const Letter>(letters).subspan(start));
    });
}

bool NamePattern::matches(std::string_view name) const {
    const NamePart part{.text = name};
    return matches(std::span(&part, 1));
}

NameSelection NameSelection::parse(const std::vector<std::string>& include,
                                   const std::vector<std::string>& exclude) {
    NameSelection selection;
    for (const std::string& text : include) {
        selection.include.emplace_back(text);
    }
    for (const std::string& text : exclude) {
        selection.exclude.emplace_back(text);
    }
    return selection;
}

bool NameSelection::takes(std::span<const NamePart> parts) const {
    const auto any = [&](const std::vector<NamePattern>& patterns) {
        return std::any_of(patterns.begin(), patterns.end(),
                           [&](const NamePattern& pattern) { return pattern.matches(parts); });
    };
    return (include.empty() || any(include)) && !any(exclude);
}

bool NameSelection::takes(std::string_view name) const {
    const NamePart part{.text = name};
    return takes(std::span(&part, 1));
}

}  // namespace dbbackup
