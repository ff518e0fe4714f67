/// @file
/// `db-backup doctor`: looks at all that a backup needs, and says what to do where it is not there.

#include "base/error.hpp"
#include "cli/backup_targets.hpp"
#include "cli/commands.hpp"
#include "cli/doctor_report.hpp"
#include "cli/doctor_repository.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/source_access.hpp"
#include "cli/source_arguments.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

/// What was named; a URI may hold a password, and is not shown.
std::string name_of(const SourceChoice& source) {
    if (source.name) {
        return *source.name;
    }
    const std::string& place = source.folder.empty() ? source.database : source.folder;
    return place.empty() ? std::string(word_of(source.type))
                         : fmt::format("{} {}", word_of(source.type), place);
}

/// The sources that were asked for; without a word, all of the configuration.
/// @throws ConfigError when the one that was named is none.
std::vector<SourceChoice> chosen_sources(const SourceArguments& arguments, const Config& config) {
    std::vector<SourceChoice> sources;
    if (is_named(arguments)) {
        sources.push_back(choose_source(arguments, config));
        return sources;
    }
    for (const auto& [name, source] : config.sources) {
        SourceArguments each;
        each.configured_name = name;
        sources.push_back(choose_source(each, config));
    }
    return sources;
}

std::vector<Examined> examine_configuration(const CommandContext& context,
                                            const std::vector<SourceChoice>& sources) {
    const Config& config = context.config();
    std::vector<Examined> lines = {
        {"configuration",
         "",
         {"file", Verdict::ok,
          config.path
              ? fmt::format("{}: {}, {}", config.path->native(),
                            config.repositories.size() == 1
                                ? std::string("1 repository")
                                : fmt::format("{} repositories", config.repositories.size()),
                            counted(config.sources.size(), "source"))
              : std::string("there is none; what the command line says holds")}}};
    for (const std::string& warning : context.loaded.warnings) {
        lines.push_back({"configuration", "", {"file", Verdict::warning, warning}});
    }
    if (sources.empty()) {
        lines.push_back({"configuration",
                         "",
                         {"sources", Verdict::warning, "no database is named",
                          "Name one by --uri URI, by --type sqlite --database FILE, or under "
                          "`sources:` in the configuration."}});
    }
    return lines;
}

/// Where backups of these sources go; without a source, what the configuration has. Each once.
class Targets {
public:
    explicit Targets(CommandContext& context) : context_(context) {}

    void add(const std::vector<RepositoryChoice>& choices) {
        for (const RepositoryChoice& choice : choices) {
            if (std::ranges::find(choices_, choice.url, &RepositoryChoice::url) == choices_.end()) {
                choices_.push_back(choice);
            }
        }
    }

    void add_all_configured() {
        for (const auto& [name, repository] : context_.config().repositories) {
            add({choose_repository(name, "", context_.loaded, {})});
        }
    }

    [[nodiscard]] const std::vector<RepositoryChoice>& choices() const { return choices_; }

private:
    CommandContext& context_;
    std::vector<RepositoryChoice> choices_;
};

void examine_repositories(const DoctorArguments& arguments,
                          const std::vector<SourceChoice>& sources, CommandContext& context,
                          std::vector<Examined>& lines) {
    Targets targets(context);
    for (const SourceChoice& source : sources) {
        try {
            targets.add(backup_targets(
                context, source.config != nullptr ? source.config->repository : std::string()));
        } catch (const Error&) {
            lines.push_back(examined_error("source", name_of(source), "repository"));
        }
    }
    if (!is_named(arguments.source) && !context.globals.repository) {
        targets.add_all_configured();
    }
    if (sources.empty() && targets.choices().empty()) {
        targets.add(backup_targets(context, ""));
    }
    for (const RepositoryChoice& choice : targets.choices()) {
        std::ranges::move(examine_repository(choice, context), std::back_inserter(lines));
    }
}

void examine_source(const SourceChoice& source, CommandContext& context,
                    std::vector<Examined>& lines) {
    const std::string name = name_of(source);
    try {
        const std::unique_ptr<Connector> connector =
            make_connector(source_options(source, BackupArguments{}, context), context.plugins);
        for (Check& check : examine(*connector, context.stop)) {
            Examined line{"source", name, std::move(check)};
            if (line.check.verdict == Verdict::problem) {
                line.exit_code = ExitCode::source;
                line.code = exit_code_name(ExitCode::source);
            }
            lines.push_back(std::move(line));
        }
    } catch (const Error&) {
        lines.push_back(examined_error("source", name, "reached"));
    }
}

}  // namespace

ExitCode run_command(const DoctorArguments& arguments, CommandContext& context) {
    const std::vector<SourceChoice> sources = chosen_sources(arguments.source, context.config());
    std::vector<Examined> lines = examine_configuration(context, sources);
    examine_repositories(arguments, sources, context, lines);
    for (const SourceChoice& source : sources) {
        examine_source(source, context, lines);
    }
    if (context.output.is_json()) {
        context.output.document(doctor_json(lines));
    } else if (!context.globals.is_quiet || exit_code_of(lines) != ExitCode::success) {
        context.output.text(doctor_text(lines, context.terminal));
    }
    return exit_code_of(lines);
}

}  // namespace dbbackup
