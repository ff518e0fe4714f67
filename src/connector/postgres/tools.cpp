#include "connector/postgres/tools.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <system_error>

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

/// 17 from "pg_dump (PostgreSQL) 17.11 (Debian …)"; 0 if it is none.
int major_in(std::string_view text) {
    const std::size_t begin = text.find(") ");
    int major = 0;
    for (std::size_t at = begin + 2; begin != text.npos && at < text.size() &&
                                     std::isdigit(static_cast<unsigned char>(text[at])) != 0;
         ++at) {
        major = major * 10 + (text[at] - '0');
    }
    return major;
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

std::vector<Tool> installed_tools(const std::string& name, std::stop_token stop) {
    std::vector<Tool> tools;
    std::set<fs::path> seen;
    for (const fs::path& folder : folders_of_tools()) {
        std::error_code failed;
        const fs::path program = fs::canonical(folder / name, failed);
        // Debian's wrapper chooses a version by rules of its own.
        if (failed || program.filename() == "pg_wrapper" || !seen.insert(program).second) {
            continue;
        }
        if (const int major = major_in(answer_of(folder / name, "--version", stop)); major > 0) {
            tools.push_back({folder / name, major});
        }
    }
    return tools;
}

Tool tool_for(const std::string& name, int server_major, std::stop_token stop) {
    const std::vector<Tool> tools = installed_tools(name, std::move(stop));
    const Tool* best = nullptr;
    for (const Tool& tool : tools) {
        if (tool.major >= server_major && (best == nullptr || tool.major < best->major)) {
            best = &tool;
        }
    }
    if (best != nullptr) {
        return *best;
    }
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

bool has_option(const Tool& tool, std::string_view option, std::stop_token stop) {
    return answer_of(tool.path, "--help", stop).find(option) != std::string::npos;
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
