#include "cli/command_description.hpp"

#include <nlohmann/json.hpp>

#include <sstream>
#include <string>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

Json argument_json(const CLI::Option& argument) {
    return {{"name", argument.get_name(true, false)},
            {"description", argument.get_description()},
            {"repeats", argument.get_expected_max() > 1}};
}

Json option_json(const CLI::Option& option) {
    Json names = Json::array();
    for (const std::string& name : option.get_snames()) {
        names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        names.push_back("--" + name);
    }
    const bool takes_value = option.get_items_expected_max() > 0 && option.get_type_size() != 0;
    return {{"names", names},
            {"value", takes_value ? Json(option.get_type_name()) : Json()},
            {"description", option.get_description()},
            {"group", option.get_group()}};
}

Json lines_json(const std::string& text) {
    Json lines = Json::array();
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

Json command_json(const CLI::App& command) {
    Json arguments = Json::array();
    Json options = Json::array();
    for (const CLI::Option* option : command.get_options({})) {
        if (option->get_positional()) {
            arguments.push_back(argument_json(*option));
        } else if (!option->get_group().empty()) {
            options.push_back(option_json(*option));
        }
    }
    Json commands = Json::array();
    for (const CLI::App* each : command.get_subcommands({})) {
        commands.push_back(command_json(*each));
    }
    return {{"name", command.get_name()},
            {"description", command.get_description()},
            {"arguments", arguments},
            {"options", options},
            {"examples", lines_json(command.get_footer())},
            {"commands", commands}};
}

}  // namespace

std::string command_description(const CLI::App& root) { return command_json(root).dump(2) + '\n'; }

}  // namespace dbbackup
