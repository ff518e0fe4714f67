#include "cli/terminal.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::size_t kWidthMin = 20;
constexpr std::size_t kWidthMax = 1000;

std::string_view variable(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

bool color_wanted(bool is_terminal, bool is_color_off, const Environment& environment) {
    if (is_color_off || !variable(environment, "NO_COLOR").empty()) {
        return false;
    }
    const std::string_view forced = variable(environment, "CLICOLOR_FORCE");
    if (!forced.empty() && forced != "0") {
        return true;
    }
    return is_terminal && variable(environment, "TERM") != "dumb";
}

std::optional<std::size_t> columns_of(int descriptor) {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return std::nullopt;
    }
    return std::clamp<std::size_t>(size.ws_col, kWidthMin, kWidthMax);
}

Terminal terminal_of(int descriptor, bool is_color_off, const Environment& environment) {
    Terminal terminal;
    terminal.is_terminal = ::isatty(descriptor) == 1;
    terminal.can_redraw = terminal.is_terminal && variable(environment, "TERM") != "dumb";
    terminal.has_color = color_wanted(terminal.is_terminal, is_color_off, environment);
    terminal.is_utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
    const std::string_view text = variable(environment, "COLUMNS");
    std::size_t columns = 0;
    if (const std::optional<std::size_t> present = columns_of(descriptor)) {
        terminal.width = *present;
    } else if (std::from_chars(text.data(), text.data() + text.size(), columns).ec == std::errc() &&
               columns > 0) {
        terminal.width = std::clamp(columns, kWidthMin, kWidthMax);
    }
    return terminal;
}

}  // namespace dbbackup
