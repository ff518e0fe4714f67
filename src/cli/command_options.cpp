#include "cli/command_options.hpp"

#include "cli/argument_values.hpp"

namespace dbbackup {

void add_value(CLI::App& app, const OptionText& option,
               const std::function<void(const std::string&)>& take) {
    app.add_option_function<std::string>(option.name, take, option.text)
        ->type_name(option.placeholder);
}

void add_values(CLI::App& app, const OptionText& option,
                const std::function<void(const std::vector<std::string>&)>& take) {
    app.add_option_function<std::vector<std::string>>(option.name, take, option.text)
        ->type_name(option.placeholder)
        ->allow_extra_args(false);
}

void add_flag(CLI::App& app, const std::string& name, bool& value, const std::string& text) {
    app.add_flag_callback(name, [&value] { value = true; }, text);
}

void add_text(CLI::App& app, const OptionText& option, std::optional<std::string>& value) {
    add_value(app, option, [&value, name = option.name](const std::string& text) {
        value = text_argument(name, text);
    });
}

void add_path(CLI::App& app, const OptionText& option,
              std::optional<std::filesystem::path>& value) {
    add_value(app, option, [&value, name = option.name](const std::string& text) {
        value = text_argument(name, text);
    });
}

void add_jobs(CLI::App& app, std::optional<unsigned>& jobs) {
    add_value(app, {"--jobs", "N", "how many workers run side by side (1 to 64)"},
              [&jobs](const std::string& text) { jobs = jobs_argument(text); });
}

void add_tags(CLI::App& app, const char* text, std::map<std::string, std::string>& tags) {
    add_values(app, {"--tag", "KEY=VALUE", text},
               [&tags](const std::vector<std::string>& texts) { tags = tag_arguments(texts); });
}

void add_lock_timeout(CLI::App& app, std::optional<std::chrono::milliseconds>& timeout) {
    add_value(app, {"--lock-timeout", "DURATION", "how long to wait for a lock (5s)"},
              [&timeout](const std::string& text) { timeout = lock_timeout_argument(text); });
}

void add_global_options(CLI::App& app, GlobalArguments& globals) {
    app.option_defaults()->group("Global options");
    add_values(app, {"--repository", "URL|NAME", "the repository: a configured name, path or URL"},
               [&globals](const std::vector<std::string>& texts) {
                   for (const std::string& each : texts) {
                       std::string text = text_argument("--repository", each);
                       if (globals.repository) {
                           globals.more_repositories.push_back(std::move(text));
                       } else {
                           globals.repository = std::move(text);
                       }
                   }
               });
    add_path(app, {"--config", "FILE", "the configuration file"}, globals.config_path);
    add_path(app, {"--key-file", "FILE", "the key file that opens the repository"},
             globals.key_file);
    add_flag(app, "--json", globals.is_json, "print one JSON document on stdout");
    add_flag(app, "-q,--quiet", globals.is_quiet, "no progress, no summary, only errors");
    add_flag(app, "-v,--verbose", globals.is_verbose, "log what happens on stderr");
    add_flag(app, "--no-color", globals.is_color_off, "no colours");
    add_path(app, {"--log-file", "FILE", "also log into this file"}, globals.log_file);
    add_value(app, {"--log-format", "FORMAT", "text or json"}, [&globals](const std::string& text) {
        globals.log_format = enum_argument<LogFormat>("--log-format", text);
    });
    add_value(app, {"--log-level", "LEVEL", "debug, info, warning, error or off"},
              [&globals](const std::string& text) {
                  globals.log_level = enum_argument<LogLevel>("--log-level", text);
              });
    app.set_help_flag("-h,--help", "print this help");
}

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& description,
                      GlobalArguments& globals, const std::string& examples) {
    CLI::App& command = *parent.add_subcommand(name, description);
    command.allow_extras();
    command.option_defaults()->group("Options");
    if (!examples.empty()) {
        command.footer(examples);
    }
    add_global_options(command, globals);
    command.option_defaults()->group("Options");
    return command;
}

}  // namespace dbbackup
