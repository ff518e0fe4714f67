#pragma once

/// @file
/// PATTERN of `--include` and `--exclude`: `[database.][schema.]table` with globs. Pure.
///
/// A name has parts, such as the file and the table of a SQLite table, and a pattern is compared
/// with all of them or the last ones. Which dot of a pattern stands between two parts does not
/// show in the pattern, because file names have dots too: any may, if the names agree. So
/// `shop.db.orders` means the table `orders` of `shop.db` as well as `db.orders` of `shop`.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// Whether "Orders" is another name than "orders". Only ASCII letters have a case here, as in
/// SQLite.
enum class NameCase : bool { matters, ignored };

/// One part of a name.
struct NamePart {
    std::string_view text;
    NameCase letter_case = NameCase::matters;
};

/// One pattern. `*` stands for any characters of one part, `?` for one, `[a-z]` and `[!a-z]` for
/// one of a set; `.` for a dot or for the border of two parts; a backslash takes the meaning from
/// what follows (`\.` is a dot inside a name). Immutable.
class NamePattern {
public:
    /// @throws ConfigError "bad_option_value" when the text is empty, ends in a backslash or has
    /// a `[` that nothing closes.
    explicit NamePattern(std::string_view text);

    /// As it was written.
    [[nodiscard]] const std::string& text() const { return text_; }

    /// Whether the pattern covers all parts, or the last ones, from first to last character.
    /// @param parts From the outermost: database, schema, table.
    [[nodiscard]] bool matches(std::span<const NamePart> parts) const;
    /// The same for a name of one part, whose case matters.
    [[nodiscard]] bool matches(std::string_view name) const;

private:
    /// What one place of the pattern stands for.
    struct Token {
        enum class Kind : unsigned char { character, border, one, any, set } kind;
        char32_t character = 0;
        bool is_negated = false;
        std::u32string ranges;  ///< Pairs of first and last character.
    };
    struct Letter {
        char32_t character = 0;
        NameCase letter_case = NameCase::matters;
    };

    [[nodiscard]] static std::vector<Token> parse(std::string_view text);
    [[nodiscard]] static bool takes(const Token& token, Letter letter);
    [[nodiscard]] bool covers(std::span<const Letter> letters) const;

    std::string text_;
    std::vector<Token> tokens_;
};

/// What `--include` and `--exclude` say together.
struct NameSelection {
    std::vector<NamePattern> include;  ///< Empty: everything.
    std::vector<NamePattern> exclude;  ///< Wins over `include`.

    /// @throws ConfigError as `NamePattern`.
    [[nodiscard]] static NameSelection parse(const std::vector<std::string>& include,
                                             const std::vector<std::string>& exclude);

    /// Nothing was said.
    [[nodiscard]] bool is_empty() const { return include.empty() && exclude.empty(); }
    [[nodiscard]] bool takes(std::span<const NamePart> parts) const;
    [[nodiscard]] bool takes(std::string_view name) const;
};

}  // namespace dbbackup
