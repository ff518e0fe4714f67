#pragma once

/// @file
/// What stdout and stderr are, so that output suits a person, a pipe or a log.

#include "config/config.hpp"

#include <cstddef>

namespace dbbackup {

/// One output stream as a place to write to. A value; thread-safe.
struct Terminal {
    bool is_terminal = false;
    bool can_redraw = false;  ///< A line can be overwritten: a terminal that is not "dumb".
    bool has_color = false;
    bool is_utf8 = false;
    std::size_t width = 80;
};

/// What decides about colour, most decisive first: `--no-color`, NO_COLOR (no-color.org),
/// CLICOLOR_FORCE (bixense.com/clicolors), a terminal whose TERM is not "dumb".
[[nodiscard]] bool color_wanted(bool is_terminal, bool is_color_off,
                                const Environment& environment);

/// Looks at an open descriptor (1 or 2). The locale must have been set.
[[nodiscard]] Terminal terminal_of(int descriptor, bool is_color_off,
                                   const Environment& environment);

/// Present columns of a terminal (it may be resized at any time), or nothing.
[[nodiscard]] std::optional<std::size_t> columns_of(int descriptor);

}  // namespace dbbackup
