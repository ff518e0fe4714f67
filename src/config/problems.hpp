#pragma once

/// @file
/// What is wrong with a configuration, collected so that all of it is reported at once.

#include "base/error.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// A place in a text, counted from 1; 0 where it is not known.
struct Mark {
    unsigned line = 0;
    unsigned column = 0;
};

/// Collects problems. Not thread-safe.
class Problems {
public:
    /// @param file Where the problem is: a file's name, or "environment".
    /// @param key The key or variable; empty when the text as a whole is meant.
    /// @param suggestion What was probably meant; empty when nothing is near.
    void add(std::string_view file, Mark mark, std::string_view key, std::string_view problem,
             std::string_view suggestion = {});

    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// @throws ConfigError "config_invalid" with one line per problem, if there are any:
    /// `file:line:column: key: problem (did you mean "x"?)`, in the order of the places.
    void throw_if_any() const;

private:
    struct Line {
        std::size_t file;  ///< The how manieth file that has problems.
        Mark mark;
        std::string text;
    };

    std::vector<std::string> files_;
    std::vector<Line> lines_;
    std::size_t count_ = 0;
};

/// The candidate that `text` is probably a misspelling of, or nothing.
[[nodiscard]] std::string nearest(std::string_view text, std::span<const std::string> candidates);

/// Makes text from a file fit for one line of a message: no control characters, not endless.
[[nodiscard]] std::string shown(std::string_view text);

/// The offset of the first byte that is not valid UTF-8, or `text.size()`.
[[nodiscard]] std::size_t utf8_prefix_bytes(std::string_view text);

/// Where the byte at `offset` stands.
[[nodiscard]] Mark mark_of(std::string_view text, std::size_t offset);

}  // namespace dbbackup
