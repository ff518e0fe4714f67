#include "cli/config_init_check.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {
namespace {

int passphrase_ways(const ConfigInitArguments& arguments) {
    return (arguments.passphrase_file ? 1 : 0) + (arguments.passphrase_variable ? 1 : 0) +
           (arguments.passphrase_command ? 1 : 0);
}

std::vector<std::string> contradictions(const ConfigInitArguments& arguments,
                                        const GlobalArguments& globals) {
    std::vector<std::string> found;
    if (arguments.all && !arguments.databases.empty()) {
        found.emplace_back("--database and --all exclude each other");
    }
    if (passphrase_ways(arguments) > 1) {
        found.emplace_back(
            "--passphrase-file, --passphrase-env and --passphrase-command exclude each other");
    }
    const auto encryption = asked_encryption(arguments, globals);
    if (passphrase_ways(arguments) > 0 && encryption != Encryption::passphrase) {
        found.emplace_back("a passphrase does not go with another --encryption");
    }
    if (globals.key_file && encryption != Encryption::keyfile) {
        found.push_back(fmt::format("--encryption {} and --key-file exclude each other",
                                    word_of(encryption.value())));
    }
    return found;
}

std::vector<std::string_view> missing_options(const ConfigInitArguments& arguments,
                                              const GlobalArguments& globals) {
    std::vector<std::string_view> missing;
    if (arguments.databases.empty() && !arguments.all) {
        missing.emplace_back("--database");
    }
    if (!globals.repository) {
        missing.emplace_back("--repository");
    }
    const auto encryption = asked_encryption(arguments, globals);
    if (!encryption) {
        missing.emplace_back("--encryption");
    } else if (*encryption == Encryption::keyfile && !globals.key_file) {
        missing.emplace_back("--key-file");
    } else if (*encryption == Encryption::passphrase && passphrase_ways(arguments) == 0) {
        missing.emplace_back("--passphrase-file");
    }
    if (!arguments.retention && !arguments.is_yes) {
        missing.emplace_back("--retention");
    }
    return missing;
}

}  // namespace

std::optional<Encryption> asked_encryption(const ConfigInitArguments& arguments,
                                           const GlobalArguments& globals) {
    if (arguments.encryption) {
        return arguments.encryption;
    }
    return globals.key_file                 ? std::optional(Encryption::keyfile)
           : passphrase_ways(arguments) > 0 ? std::optional(Encryption::passphrase)
                                            : std::nullopt;
}

void check_config_init(const ConfigInitArguments& arguments, const GlobalArguments& globals,
                       Answers answers) {
    std::vector<std::string> problems = contradictions(arguments, globals);
    std::string hint = "Leave one of them out.";
    if (answers == Answers::none) {
        const std::vector<std::string_view> missing = missing_options(arguments, globals);
        if (!missing.empty()) {
            problems.push_back(fmt::format("config init needs {}", fmt::join(missing, ", ")));
            // What an encryption needs itself would else be the next error.
            hint = fmt::format(
                "{}{}, or run it on a terminal, where it asks; see: db-backup config init --help.",
                problems.size() > 1 ? "Leave out what is too much and give what is missing"
                                    : "Give what is missing",
                asked_encryption(arguments, globals)
                    ? ""
                    : " (keyfile needs --key-file, passphrase --passphrase-file)");
        }
    }
    if (!problems.empty()) {
        throw explained<ConfigError>(fmt::format("{}", fmt::join(problems, "; ")), hint, "usage");
    }
}

}  // namespace dbbackup
