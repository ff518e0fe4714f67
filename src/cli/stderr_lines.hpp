#pragma once

/// @file
/// stderr as two things at once: whole lines for good, and below them one live line that comes and
/// goes. Everything that writes to stderr while a command runs goes through here, so that a log
/// line never lands inside the live one.

#include "base/guarded.hpp"

#include <string>
#include <string_view>

namespace dbbackup {

/// Safe to call from several threads. Never throws for a stderr that is full or closed: there is
/// nobody left to tell.
class StderrLines {
public:
    /// @param can_redraw Whether a line can be overwritten; without it `live` does nothing.
    explicit StderrLines(bool can_redraw, int descriptor = 2);
    ~StderrLines();
    StderrLines(const StderrLines&) = delete;
    StderrLines& operator=(const StderrLines&) = delete;

    [[nodiscard]] bool can_redraw() const noexcept { return can_redraw_; }

    /// Writes `text` and a line break, above the live line if there is one.
    void line(std::string_view text);
    /// Shows `text` (shorter than the terminal is wide) in place of the last live line.
    void live(std::string_view text);
    /// Takes the live line away.
    void clear_live();

private:
    bool can_redraw_;
    int descriptor_;
    Guarded<std::string> live_;
};

}  // namespace dbbackup
