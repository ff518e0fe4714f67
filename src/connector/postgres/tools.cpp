#include "connector/postgres/tools.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <set>
#include <system_error>
#include <utility>

namespace dbbackup::postgres {
namespace {

namespace fs = std::filesystem;

/// Folders `…/15/bin` below one, such as /usr/lib/postgresql.
void add_versions(const fs::path& parent, std::string_view prefix, std::vector<fs::path>& folders) {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
        if (entry.path().filename().native().starts_with(prefix)) {
            folders.push_back(entry.path() / "bin");
        }
    }
}

std::vector<fs::path> folders_of_tools() {
    std::vector<fs::path> folders;
    const char* const variable =
        std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it.
    std::string_view path = variable == nullptr ? "" : variable;
    while (!path.empty()) {
        const std::string_view folder = path.substr(0, path.find(':'));
        folders.emplace_back(folder);
        path.remove_prefix(std::min(path.size(), folder.size() + 1));
    }
    add_versions("/usr/lib/postgresql", "", folders);
    add_versions("/usr", "pgsql-", folders);
    folders.emplace_back("/usr/local/pgsql/bin");
    return folders;
}

/// What it says of itself; "" if it cannot be run.
std::string answer_of(const fs::path& program, const char* option, const std::stop_token& stop) {
    std::string output;
    ProgramCall call;
    call.arguments = {program.native(), option};
    call.take_output = [&output](BytesView part) { output += as_text(part); };
    try {
        return run_program(call, stop).exit_status == 0 ? output : std::string();
    } catch (const Error&) {
        return {};
    }
}

/// The program itself, behind all links; "" if there is none, or it is Debian's wrapper, which
/// chooses a version by rules of its own.
fs::path real_place(const fs::path& program) {
    std::error_code failed;
    fs::path place = fs::canonical(program, failed);
    return failed || place.filename() == "pg_wrapper" ? fs::path() : place;
}

/// The program `name` of the same installation, which is of the same version.
std::optional<Tool> beside_of(const Tool& tool, const std::string& name) {
    Tool beside = tool;
    beside.path.replace_filename(name);
    const fs::path place = real_place(beside.path);
    if (place.empty() || place.parent_path() != real_place(tool.path).parent_path() ||
        ::access(place.c_str(), X_OK) != 0) {
        return std::nullopt;
    }
    return beside;
}

[[noreturn]] void throw_missing(const std::string& name, int server_major,
                                const std::vector<Tool>& tools) {
    std::string found;
    for (const Tool& tool : tools) {
        found += fmt::format("{}{} is of version {}", found.empty() ? "" : ", ", tool.path.native(),
                             tool.major);
    }
    throw explained<SourceError>(
        fmt::format(
            "there is no {} of version {} or later here, and definitions are read with it{}{}",
            name, server_major, found.empty() ? "" : ": ", found),
        fmt::format("Install PostgreSQL's client programs of version {}, on Debian with "
                    "'apt-get install postgresql-client-{}'.",
                    server_major, server_major),
        "tool_missing");
}

/// A field of a password file. Source: PostgreSQL manual, 34.16.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char character : text) {
        if (character == ':' || character == '\\') {
            result += '\\';
        }
        result += character;
    }
    return result;
}

/// @throws SourceError (code "tool_failed") with what it wrote to stderr.
void require_success(const std::string& name, const ProgramEnd& end) {
    if (end.exit_status == 0) {
        return;
    }
    std::string errors = end.errors;
    while (errors.ends_with('\n')) {
        errors.pop_back();
    }
    std::replace(errors.begin(), errors.end(), '\n', ' ');
    throw explained<SourceError>(
        fmt::format("{} failed (exit status {}): {}", name, end.exit_status, errors), "",
        "tool_failed");
}

}  // namespace

Tool tool_of(fs::path path, std::string_view version) {
    Tool tool{std::move(path)};
    const std::size_t begin = version.find(") ");
    if (begin == version.npos) {
        return tool;
    }
    version.remove_prefix(begin + 2);
    const char* const end = version.data() + version.size();
    const auto [point, error] = std::from_chars(version.data(), end, tool.major);
    if (error == std::errc() && point != end && *point == '.') {
        std::from_chars(point + 1, end, tool.minor);
    }
    return tool;
}

Tool tool_for(const std::string& name, int server_major, std::stop_token stop) {
    std::vector<Tool> tools;
    std::set<fs::path> seen;
    for (const fs::path& folder : folders_of_tools()) {
        const fs::path program = real_place(folder / name);
        if (program.empty() || !seen.insert(program).second) {
            continue;
        }
        Tool tool = tool_of(folder / name, answer_of(folder / name, "--version", stop));
        if (tool.major == server_major) {
            return tool;  // None is better.
        }
        if (tool.major > 0) {
            tools.push_back(std::move(tool));
        }
    }
    const Tool* best = nullptr;
    for (const Tool& tool : tools) {
        if (tool.major > server_major && (best == nullptr || tool.major < best->major)) {
            best = &tool;
        }
    }
    if (best != nullptr) {
        return *best;
    }
    throw_missing(name, server_major, tools);
}

Tool ToolFinder::find(const std::string& name, int server_major, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    // Who looks for one may find that of the others, too.
    if (!changed_.wait(lock, stop, [this] { return !is_looking_; })) {
        throw Cancelled();
    }
    if (const auto found = found_.find(server_major); found != found_.end()) {
        if (std::optional<Tool> beside = beside_of(found->second, name)) {
            return *std::move(beside);
        }
    }
    is_looking_ = true;
    lock.unlock();
    std::optional<Tool> tool;
    std::exception_ptr failure;
    try {
        tool = tool_for(name, server_major, stop);
    } catch (...) {
        failure = std::current_exception();
    }
    lock.lock();
    is_looking_ = false;
    changed_.notify_all();
    if (failure) {
        std::rethrow_exception(failure);
    }
    found_.insert_or_assign(server_major, *tool);
    return *std::move(tool);
}

bool takes_restrict_key(const Tool& tool) {
    // Source: the release notes of these versions, CVE-2025-8714.
    static constexpr std::array<std::pair<int, int>, 5> kFirst = {
        {{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}}};
    return tool.major > kFirst.back().first ||
           std::ranges::any_of(kFirst, [&tool](const auto& first) {
               return tool.major == first.first && tool.minor >= first.second;
           });
}

std::string output_of(const Tool& tool, const std::vector<std::string>& arguments,
                      const std::vector<int>& inherited, std::stop_token stop) {
    std::string output;
    ProgramCall call;
    call.arguments = {tool.path.native()};
    call.arguments.insert(call.arguments.end(), arguments.begin(), arguments.end());
    call.inherited = inherited;
    call.variables = {"LC_ALL=C"};
    call.take_output = [&output](BytesView part) { output += as_text(part); };
    require_success(tool.path.filename(), run_program(call, std::move(stop)));
    return output;
}

ToolCall::ToolCall(const Tool& tool) : name_(tool.path.filename()) {
    call_.arguments = {tool.path.native()};
    // Their messages are shown, and parsed by nobody.
    call_.variables = {"LC_ALL=C", "PGAPPNAME=db-backup"};
}

ToolCall ToolCall::without_server(const Tool& tool) { return ToolCall(tool); }

ToolCall::ToolCall(const Tool& tool, const ConnectionInfo& info) : ToolCall(tool) {
    std::string target = info.text();
    call_.arguments.emplace_back("--no-password");
    if (!info.password().empty()) {
        std::string line = fmt::format("*:*:*:*:{}\n", escaped(as_text(info.password().bytes())));
        password_file_.emplace();
        password_file_->append(as_bytes(line));
        wipe({reinterpret_cast<std::uint8_t*>(line.data()), line.size()});  // NOLINT
        call_.inherited.push_back(password_file_->descriptor());
        target += fmt::format(" passfile='{}'", password_file_->path());
    }
    call_.arguments.push_back("--dbname=" + target);
}

ToolCall& ToolCall::with(std::string argument) {
    call_.arguments.push_back(std::move(argument));
    return *this;
}

ToolCall& ToolCall::inherits(int descriptor) {
    call_.inherited.push_back(descriptor);
    return *this;
}

void ToolCall::run(std::function<BytesView()> give_input,
                   std::function<void(BytesView part)> take_output, std::stop_token stop) {
    call_.give_input = std::move(give_input);
    call_.take_output = std::move(take_output);
    require_success(name_, run_program(call_, std::move(stop)));
}

}  // namespace dbbackup::postgres
