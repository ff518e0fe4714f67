#include "schedule/systemd_units.hpp"

#include "calendar/systemd_calendar.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace dbbackup {
namespace {

/// As one word of a unit file. `%` begins what systemd puts in.
std::string unit_word(std::string_view text) {
    std::string word;
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            word += '\\';
        }
        word += character == '%' ? "%%" : std::string(1, character);
    }
    const bool is_plain =
        text.find_first_of(" \t\"'\\;") == std::string_view::npos && !text.empty();
    return is_plain ? word : '"' + word + '"';
}

/// A word of a command, in which `$` begins a variable, too.
std::string command_word(std::string_view text) {
    std::string word;
    for (const char character : unit_word(text)) {
        word += character == '$' ? "$$" : std::string(1, character);
    }
    return word;
}

std::string command_of(const ExportedJob& job, const ExportPlace& place) {
    std::string command = command_word(place.program);
    for (const std::string& option : job.options) {
        command += ' ' + command_word(option);
    }
    return fmt::format("{} schedule run {} --retry --quiet", command, command_word(job.name));
}

std::string paths_of(const ExportedJob& job) {
    std::string line;
    for (const std::filesystem::path& folder : job.folders) {
        line += (line.empty() ? "ReadWritePaths=" : " ") + unit_word(folder.native());
    }
    return line.empty() ? "" : line + '\n';
}

std::string variables_of(const ExportedJob& job) {
    if (job.variables.empty()) {
        return "";
    }
    return fmt::format(
        "# Lines NAME=value, readable by root only, of what does not stand in the .env beside the "
        "configuration: {}.\nEnvironmentFile=-/etc/db-backup/environment\n",
        fmt::join(job.variables, ", "));
}

/// What it needs would not be there in a /tmp of its own.
bool is_in_tmp(const ExportedJob& job) {
    const auto is_tmp = [](const std::filesystem::path& path) {
        return path.native().starts_with("/tmp/") || path.native().starts_with("/var/tmp/");
    };
    return std::any_of(job.folders.begin(), job.folders.end(), is_tmp) ||
           std::any_of(job.files.begin(), job.files.end(), is_tmp);
}

/// What the sandbox of a backup needs: its files, the network, no other rights. Root
/// reads and keeps other users' files, so it keeps the rights for that.
constexpr std::string_view kSandbox = R"(UMask=0077
NoNewPrivileges=true
CapabilityBoundingSet={}
ProtectSystem=strict
ProtectHome=read-only
ProtectProc=invisible
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
PrivateDevices=true
PrivateTmp={}
LockPersonality=true
MemoryDenyWriteExecute=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
)";

std::string service_of(const ExportedJob& job, const ExportPlace& place) {
    return fmt::format(
        R"([Unit]
Description=db-backup: job {0} (source {1})
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={2}
ExecStart={3}
# A stop ends in 130. 3, a snapshot from which something was left out, stays a failure: somebody should look.
SuccessExitStatus=130
TimeoutStartSec=infinity
TimeoutStopSec=2min
Nice=10
IOSchedulingClass=idle
CacheDirectory=db-backup
StateDirectory=db-backup
Environment=XDG_CACHE_HOME=/var/cache XDG_STATE_HOME=/var/lib
{4}{5}{6})",
        job.name, job.source, unit_word(place.user), command_of(job, place), variables_of(job),
        paths_of(job),
        fmt::format(kSandbox, place.user == "root" ? "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER" : "",
                    !is_in_tmp(job)));
}

std::string timer_of(const ExportedJob& job) {
    std::string times;
    for (const std::string& line : on_calendar(job.times.cron, job.times.zone)) {
        times += "OnCalendar=" + line + '\n';
    }
    if (job.jitter.count() > 0) {
        times += fmt::format("RandomizedDelaySec={}\n", job.jitter.count());
    }
    return fmt::format(
        R"([Unit]
Description=db-backup: when job {} runs
{}
[Timer]
{}Persistent={}

[Install]
WantedBy=timers.target
)",
        job.name, job.times.remark.empty() ? "" : "# " + job.times.remark + '\n', times,
        job.catch_up == CatchUp::once);
}

}  // namespace

std::vector<ExportedFile> systemd_units(const ExportedJob& job, const ExportPlace& place) {
    const std::string name = "db-backup-" + job.name;
    return {{name + ".service", service_of(job, place)}, {name + ".timer", timer_of(job)}};
}

}  // namespace dbbackup
