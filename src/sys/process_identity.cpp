#include "sys/process_identity.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

namespace dbbackup {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string this_machine() {
    const std::string boot = first_line("/proc/sys/kernel/random/boot_id");
    std::error_code error;
    const std::filesystem::path space = std::filesystem::read_symlink("/proc/self/ns/pid", error);
    return boot.empty() || error ? "" : boot + " " + space.string();
}

/// When a process began (proc(5), field 22 of `stat`); nothing when there is none of this number.
std::optional<std::uint64_t> start_of(std::uint64_t process) {
    const std::string stat = first_line(fmt::format("/proc/{}/stat", process));
    // The second field is the program's name in parentheses, which may hold anything.
    std::size_t at = stat.rfind(')');
    if (at == std::string::npos) {
        return std::nullopt;
    }
    constexpr int kFieldsBetween = 20;
    for (int field = 0; field < kFieldsBetween && at != std::string::npos; ++field) {
        at = stat.find(' ', at + 1);
    }
    if (at == std::string::npos) {
        return std::nullopt;
    }
    std::uint64_t started = 0;
    const std::string_view rest = std::string_view(stat).substr(at + 1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), started);
    return error == std::errc() ? std::optional(started) : std::nullopt;
}

}  // namespace

ProcessIdentity this_process() {
    ProcessIdentity identity;
    identity.process = static_cast<std::uint64_t>(getpid());
    if (const std::optional<std::uint64_t> started = start_of(identity.process)) {
        identity.machine = this_machine();
        identity.started = *started;
    }
    return identity;
}

bool has_ended(const ProcessIdentity& process) {
    if (process.machine.empty() || process.machine != this_machine()) {
        return false;
    }
    // Where not even this process is seen, nothing can be said of others.
    if (!start_of(static_cast<std::uint64_t>(getpid()))) {
        return false;
    }
    return start_of(process.process) != process.started;
}

std::string shown_command(std::uint64_t process) {
    std::ifstream file(fmt::format("/proc/{}/cmdline", process));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace dbbackup
