#include "cli/command_context.hpp"

#include "cli/display_text.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace dbbackup {

ProgressOptions CommandContext::progress(std::string_view doing) const {
    ProgressOptions options;
    options.doing = printable(doing);
    options.is_shown = !globals.is_quiet;
    options.is_log_on_stderr = is_log_on_stderr;
    options.width = terminal.width;
    return options;
}

void CommandContext::remark(std::string_view text) const {
    if (!globals.is_quiet) {
        errors.line("db-backup: " + printable(text));
    }
}

unsigned chosen_jobs(const std::optional<unsigned>& asked,
                     const std::optional<unsigned>& configured) {
    constexpr unsigned kJobsDefaultMax = 8;
    return asked.value_or(
        configured.value_or(std::clamp(std::thread::hardware_concurrency(), 1U, kJobsDefaultMax)));
}

}  // namespace dbbackup
