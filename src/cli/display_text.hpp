#pragma once

/// @file
/// Text from outside (names of databases, messages of servers, paths) made safe and measured for a
/// terminal.

#include <cstddef>
#include <string>
#include <string_view>

namespace dbbackup {

/// `text` with every control character, C1 and invalid UTF-8 included, replaced by '?', so that no
/// name can move the cursor or change the terminal. Line breaks become spaces.
[[nodiscard]] std::string printable(std::string_view text);

/// As `printable`, but keeps line breaks: for messages of several lines.
[[nodiscard]] std::string printable_lines(std::string_view text);

/// Columns that printable UTF-8 text takes.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// How many bytes of printable text take at most `width` columns; whole characters only.
[[nodiscard]] std::size_t fitting_bytes(std::string_view text, std::size_t width);

/// Breaks the lines of printable text at spaces, so that none takes more than `width` columns; what
/// goes on is indented by `indent`. Longer words, paths above all, stay whole, and so does what is
/// there to be pasted: `…`, '…' and a command at the end of a line (": db-backup …").
/// @param column Where the text begins on its line.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width, std::size_t column,
                                  std::size_t indent);

/// Cuts printable text to `width` columns, with an ellipsis (`…`, or `...` unless `is_utf8`).
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width, bool is_utf8);

}  // namespace dbbackup
