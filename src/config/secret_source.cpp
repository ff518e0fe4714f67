#include "config/config.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"
#include "sys/subprocess.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kSecretBytesMax = 64_KiB;
/// Long enough for a person to answer a password manager's question.
constexpr std::chrono::seconds kCommandTimeout = std::chrono::minutes(2);

constexpr std::string_view kCode = "secret_unavailable";

ConfigError unavailable(std::string_view what, std::string_view problem, std::string_view hint) {
    return explained<ConfigError>(fmt::format("cannot get the {}: {}", what, problem),
                                  std::string(hint), std::string(kCode));
}

/// Files and commands end their only line with a line break that is not part of the secret.
void drop_line_break(Bytes& bytes) {
    if (!bytes.empty() && bytes.back() == '\n') {
        bytes.pop_back();
        if (!bytes.empty() && bytes.back() == '\r') {
            bytes.pop_back();
        }
    }
}

Bytes from_file(const std::filesystem::path& file, std::string_view what) {
    try {
        if (std::optional<Bytes> content = read_file(file, kSecretBytesMax)) {
            return std::move(*content);
        }
    } catch (const FileError& error) {
        throw unavailable(what, error.what(), "Check the file's name and permissions.");
    }
    throw unavailable(what, fmt::format("there is no file {}", file.native()),
                      "Create the file with the secret on its only line, or correct its name.");
}

/// The end of what a command complained, on one line; nothing when it shows the secret.
std::string complaint_of(const ProcessResult& result) {
    std::string_view text = result.errors;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.remove_suffix(1);
    }
    if (const std::size_t line = text.rfind('\n'); line != std::string_view::npos) {
        text.remove_prefix(line + 1);
    }
    const bool shows_secret =
        !result.output.empty() &&
        result.errors.find(as_text(result.output).substr(0, 4)) != std::string::npos;
    if (text.empty() || text.size() > 300 || shows_secret) {
        return {};
    }
    return fmt::format(": {}", text);
}

Bytes from_command(const std::string& command, std::string_view what, std::stop_token stop) {
    constexpr std::string_view kHint =
        "Run the command by hand as the same user; it must print the secret and exit with 0.";
    ProcessResult result;
    try {
        result = run_shell(command, kCommandTimeout, kSecretBytesMax, std::move(stop));
    } catch (const Error& error) {
        throw unavailable(what, error.what(), kHint);
    }
    if (result.exit_status != 0) {
        const std::string complaint = complaint_of(result);
        wipe(result.output);
        throw unavailable(
            what,
            fmt::format("the command failed with exit status {}{}", result.exit_status, complaint),
            kHint);
    }
    return std::move(result.output);
}

}  // namespace

bool SecretSource::is_set() const noexcept {
    return value.has_value() || file.has_value() || environment.has_value() || command.has_value();
}

Secret SecretSource::fetch(std::string_view what, std::stop_token stop) const {
    Bytes bytes;
    if (value) {
        bytes.assign(value->begin(), value->end());
    } else if (file) {
        bytes = from_file(*file, what);
        drop_line_break(bytes);
    } else if (environment) {
        // Nothing in this program changes its own environment while threads run.
        const char* text =
            environment_value ? environment_value->c_str()
                              : std::getenv(environment->c_str());  // NOLINT(concurrency-mt-unsafe)
        if (text == nullptr) {
            throw unavailable(what,
                              fmt::format("the environment variable {} is not set", *environment),
                              "Set the variable, or name another one.");
        }
        const std::string_view found = text;
        bytes.assign(found.begin(), found.end());
    } else if (command) {
        bytes = from_command(*command, what, std::move(stop));
        drop_line_break(bytes);
    } else {
        throw unavailable(what, "none is configured", "Give it by a file, variable or command.");
    }
    if (bytes.empty()) {
        throw unavailable(what, fmt::format("it is empty ({})", where()),
                          "An empty secret protects nothing, so it is refused.");
    }
    return Secret(std::move(bytes));
}

std::string SecretSource::where() const {
    if (value) {
        return "given value";
    }
    if (file) {
        return fmt::format("file {}", file->native());
    }
    if (environment) {
        return fmt::format("environment variable {}", *environment);
    }
    return command ? "command" : "none";
}

}  // namespace dbbackup
