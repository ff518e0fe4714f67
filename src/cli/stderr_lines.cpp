#include "cli/stderr_lines.hpp"

#include <unistd.h>

#include <cerrno>

namespace dbbackup {
namespace {

/// Back to the first column, and erase to the end of the line (ECMA-48, EL).
constexpr std::string_view kErase = "\r\x1b[K";

void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count < 0 && errno != EINTR) {
            return;
        }
        text.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
}

}  // namespace

StderrLines::StderrLines(bool can_redraw, int descriptor)
    : can_redraw_(can_redraw), descriptor_(descriptor) {}

StderrLines::~StderrLines() { clear_live(); }

void StderrLines::line(std::string_view text) {
    // The lock is held across the write on purpose: it is what keeps lines whole.
    live_.with([&](const std::string& live) {
        std::string out;
        if (!live.empty()) {
            out += kErase;
        }
        out += text;
        out += "\n";
        out += live;
        write_all(descriptor_, out);
    });
}

void StderrLines::live(std::string_view text) {
    if (!can_redraw_) {
        return;
    }
    live_.with([&](std::string& live) {
        if (live != text) {
            live = text;
            write_all(descriptor_, std::string(kErase) + live);
        }
    });
}

void StderrLines::clear_live() {
    live_.with([&](std::string& live) {
        if (!live.empty()) {
            write_all(descriptor_, kErase);
            live.clear();
        }
    });
}

}  // namespace dbbackup
