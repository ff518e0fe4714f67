#pragma once

/// @file
/// Options as the commands are made of them. Included only by the files that parse: the parsing
/// library's headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// How one option shows in help texts.
struct OptionText {
    std::string name;         ///< "--mode", "-q,--quiet"
    std::string placeholder;  ///< "MODE"
    std::string text;
};

/// An option with one value, which `take` turns into what it means.
void add_value(CLI::App& app, const OptionText& option,
               const std::function<void(const std::string&)>& take);

/// An option that may be given several times, one value each time.
void add_values(CLI::App& app, const OptionText& option,
                const std::function<void(const std::vector<std::string>&)>& take);

/// Options that write what was given to where they are told to.
void add_flag(CLI::App& app, const std::string& name, bool& value, const std::string& text);
void add_text(CLI::App& app, const OptionText& option, std::optional<std::string>& value);
void add_path(CLI::App& app, const OptionText& option, std::optional<std::filesystem::path>& value);
void add_jobs(CLI::App& app, std::optional<unsigned>& jobs);
void add_tags(CLI::App& app, const char* text, std::map<std::string, std::string>& tags);
void add_lock_timeout(CLI::App& app, std::optional<std::chrono::milliseconds>& timeout);

/// The options that every command takes.
void add_global_options(CLI::App& app, GlobalArguments& globals);

/// One command with the global options. `examples` are whole lines that work when pasted.
CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& description,
                      GlobalArguments& globals, const std::string& examples = {});

}  // namespace dbbackup
