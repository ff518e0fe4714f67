#include "config/config.hpp"
#include "sys/file_error.hpp"
#include "sys/secret_file.hpp"
#include "sys/subprocess.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kSecretBytesMax = 64_KiB;

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

/// Takes off the line break at the end. Several lines are hardly meant to be one secret: one of
/// them may be, and nobody could type the others.
void keep_only_line(Bytes& bytes, std::string_view what, std::string_view giver,
                    std::string_view hint) {
    drop_line_break(bytes);
    if (std::find(bytes.begin(), bytes.end(), '\n') != bytes.end()) {
        wipe(bytes);
        throw unavailable(what, fmt::format("{} more than one line", giver), hint);
    }
}

Bytes from_file(const std::filesystem::path& file, std::string_view what, std::stop_token stop) {
    std::optional<Bytes> content;
    try {
        content = read_secret_file(file, kSecretBytesMax, kSecretPatience, std::move(stop));
    } catch (const FileError& error) {
        throw unavailable(what, error.what(), "Check the file's name and permissions.");
    }
    if (!content) {
        throw unavailable(what, fmt::format("there is no file {}", file.native()),
                          "Create the file with the secret on its only line, or correct its name.");
    }
    keep_only_line(*content, what, fmt::format("the file {} has", file.native()),
                   "Leave only the line with the secret in it.");
    return std::move(*content);
}

Bytes from_command(const std::string& command, std::string_view what, std::stop_token stop) {
    constexpr std::string_view kHint =
        "Run the command by hand as the same user; it must print the secret and exit with 0.";
    ProcessResult result;
    try {
        result = run_shell(command, kSecretPatience, kSecretBytesMax, std::move(stop));
    } catch (const Error& error) {
        throw unavailable(what, error.what(), kHint);
    }
    if (result.exit_status != 0) {
        wipe(result.output);
        // Not what it wrote to stderr: that may hold the secret, and this goes into logs.
        throw unavailable(
            what, fmt::format("the command failed with exit status {}", result.exit_status), kHint);
    }
    keep_only_line(result.output, what, "the command printed",
                   "Let it print the secret alone, for example with `| head -n 1`.");
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
        bytes = from_file(*file, what, std::move(stop));
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
