/// @file
/// `db-backup config validate` and `config show`. Loading, which `main` did, is the validation.

#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

/// Where a key of the configuration stands, as `config show` tells it.
std::string origin_of(const std::string& key, const LoadedConfig& loaded) {
    const auto found = std::ranges::find(loaded.values, key, &ConfigValue::key);
    return found == loaded.values.end() ? std::string() : found->origin;
}

/// What loading cannot know: which stores this build has.
void check_urls(const CommandContext& context) {
    std::string message;
    for (const auto& [name, repository] : context.config().repositories) {
        try {
            context.plugins.storages.check(repository.url);
        } catch (const ConfigError& error) {
            const std::string key = fmt::format("repositories.{}.url", name);
            message += fmt::format("{}{}: {}: {} ({})", message.empty() ? "" : "\n",
                                   origin_of(key, context.loaded), key, error.what(), error.hint());
        }
    }
    if (!message.empty()) {
        throw explained<ConfigError>(std::move(message), "Correct this, then validate it again.",
                                     "config_invalid");
    }
}

void validate(CommandContext& context) {
    check_urls(context);
    const auto& path = context.config().path;
    if (context.output.is_json()) {
        context.output.document({{"ok", true}, {"file", path ? Json(path->string()) : Json()}});
    } else if (!context.globals.is_quiet) {
        context.output.text(
            path ? fmt::format("{}: ok\n", printable(path->string()))
                 : std::string("no configuration file was found; the defaults are ok\n"));
    }
}

void show(CommandContext& context) {
    if (context.output.is_json()) {
        Json document = Json::array();
        for (const ConfigValue& value : context.loaded.values) {
            document.push_back(
                {{"key", value.key}, {"value", value.value}, {"origin", value.origin}});
        }
        context.output.document(document);
        return;
    }
    Table table({{"KEY", Align::left, false, 0},
                 {"VALUE", Align::left, true, 0},
                 {"FROM", Align::left, true, 1}});
    for (const ConfigValue& value : context.loaded.values) {
        table.add({value.key, value.value, value.origin});
    }
    if (table.is_empty()) {
        context.remark("nothing is configured");
    } else {
        context.output.text(table.text(context.terminal));
    }
}

}  // namespace

ExitCode run_command(const ConfigArguments& arguments, CommandContext& context) {
    if (arguments.action == ConfigArguments::Action::validate) {
        validate(context);
    } else {
        show(context);
    }
    return ExitCode::success;
}

}  // namespace dbbackup
