#include "cli/command_line.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <variant>
#include <vector>

namespace dbbackup {
namespace {

using Words = std::vector<std::string>;

struct Refusal {
    std::string message;
    std::string hint;
};

Refusal refusal_of(const Words& words) {
    try {
        static_cast<void>(parse_command_line(words));
    } catch (const ConfigError& error) {
        return {error.what(), error.hint()};
    }
    return {};
}

std::string printed(const Words& words) {
    return std::get<PrintArguments>(parse_command_line(words).command).text;
}

TEST(CommandLine, ReadsABackup) {
    const CommandLine line = parse_command_line(
        {"backup", "--type", "sqlite", "--database", "test.db", "--mode=full", "--jobs", "3",
         "--tag", "env=prod", "--tag", "team=db", "--no-fallback", "--dry-run"});
    const auto& backup = std::get<BackupArguments>(line.command);
    EXPECT_EQ(backup.source.type, DatabaseType::sqlite);
    EXPECT_EQ(backup.source.databases, std::vector<std::string>{"test.db"});
    EXPECT_EQ(backup.mode, BackupMode::full);
    EXPECT_EQ(backup.jobs, 3U);
    EXPECT_EQ(backup.tags.size(), 2U);
    EXPECT_TRUE(backup.is_fallback_refused);
    EXPECT_TRUE(backup.is_dry_run);
    EXPECT_FALSE(backup.is_native);
}

TEST(CommandLine, IsIncrementalUnlessSaidOtherwise) {
    const CommandLine line = parse_command_line({"backup", "--type", "sqlite", "--database", "a"});
    EXPECT_EQ(std::get<BackupArguments>(line.command).mode, BackupMode::incremental);
}

TEST(CommandLine, TakesGlobalOptionsBeforeAndAfterTheCommand) {
    for (const Words& words : {Words{"--json", "--repository", "r", "list"},
                               Words{"list", "--json", "--repository", "r"},
                               Words{"--json", "list", "--repository=r"}}) {
        const CommandLine line = parse_command_line(words);
        EXPECT_TRUE(line.globals.is_json);
        EXPECT_EQ(line.globals.repository, "r");
        EXPECT_TRUE(std::holds_alternative<ListArguments>(line.command));
    }
}

TEST(CommandLine, TakesWordsOfCommandsAsArguments) {
    const CommandLine line = parse_command_line({"show", "list"});
    EXPECT_EQ(std::get<ShowArguments>(line.command).snapshot, "list");
    const CommandLine many = parse_command_line({"verify", "latest", "show", "--data"});
    EXPECT_EQ(std::get<VerifyArguments>(many.command).snapshots, (Words{"latest", "show"}));
}

TEST(CommandLine, TakesValuesThatLookLikeOptionsOrLists) {
    const CommandLine line =
        parse_command_line({"backup", "--type", "sqlite", "--database", "[a,b]"});
    EXPECT_EQ(std::get<BackupArguments>(line.command).source.databases,
              std::vector<std::string>{"[a,b]"});
    const CommandLine dashed = parse_command_line({"restore", "--to", "-x.db", "--", "latest"});
    EXPECT_EQ(std::get<RestoreArguments>(dashed.command).target, "-x.db");
    EXPECT_EQ(std::get<RestoreArguments>(dashed.command).snapshot, "latest");
}

TEST(CommandLine, SuggestsWhatWasMeant) {
    EXPECT_EQ(refusal_of({"bakcup"}).hint, "Did you mean backup?");
    EXPECT_EQ(refusal_of({"bakcup", "--type", "sqlite"}).message, "unknown command 'bakcup'");
    EXPECT_EQ(refusal_of({"backup", "--databse", "x"}).hint, "Did you mean --database?");
    EXPECT_EQ(refusal_of({"config", "validat"}).hint, "Did you mean validate?");
}

TEST(CommandLine, TellsArchivesFromRepositories) {
    const std::vector<std::string> source = {"backup", "--type", "sqlite", "--database", "a"};
    const auto with = [&source](std::vector<std::string> words) {
        words.insert(words.begin(), source.begin(), source.end());
        return words;
    };
    EXPECT_EQ(refusal_of(with({"--format", "archive"})).message, "--format archive needs --output");
    EXPECT_EQ(refusal_of(with({"-o", "x"})).message, "--output is only for --format archive");
    EXPECT_EQ(refusal_of(with({"--compression", "zip"})).message,
              "--compression zip does not go with a repository");
    const CommandLine line =
        parse_command_line(with({"--format", "archive", "-o", "x.zip", "--compression", "zip:9"}));
    const auto& backup = std::get<BackupArguments>(line.command);
    EXPECT_TRUE(backup.is_archive);
    EXPECT_EQ(backup.output, "x.zip");
    EXPECT_EQ(backup.compression->text(), "zip:9");
}

TEST(CommandLine, SaysWhatIsMissing) {
    EXPECT_EQ(refusal_of({"backup"}).message, "backup needs a database");
    EXPECT_EQ(refusal_of({"backup", "--database", "a"}).message, "--database needs --type");
    EXPECT_EQ(
        refusal_of({"backup", "--uri", "postgresql://h", "--all-databases", "--database", "a"})
            .message,
        "--all-databases and --database exclude each other");
    EXPECT_EQ(refusal_of({"backup", "--type", "sqlite", "--all-databases"}).message,
              "--all-databases is only for PostgreSQL");
    EXPECT_EQ(
        refusal_of({"backup", "--uri", "mysql://h", "--database", "a", "--database", "b"}).message,
        "more than one --database is only for --type sqlite and postgres");
    EXPECT_EQ(refusal_of({"restore"}).message, "restore needs a SNAPSHOT");
    EXPECT_EQ(refusal_of({"show"}).message, "show needs a SNAPSHOT");
    EXPECT_EQ(refusal_of({"list", "--source"}).message, "--source needs a value");
    EXPECT_EQ(refusal_of({"list", "--source", ""}).message, "--source is empty");
    EXPECT_EQ(refusal_of({"config"}).message, "config needs a command");
    EXPECT_EQ(refusal_of({"completion"}).message, "completion needs a shell");
}

TEST(CommandLine, RefusesContradictions) {
    EXPECT_NE(refusal_of({"backup", "--database", "a", "--uri", "sqlite:a"}).message, "");
    EXPECT_NE(refusal_of({"backup", "--type", "sqlite", "--source", "a"}).message, "");
    EXPECT_NE(refusal_of({"list", "--quiet", "--verbose"}).message, "");
    EXPECT_EQ(refusal_of({"list", "--source", "a", "--source", "b"}).message,
              "--source is given more than once");
    EXPECT_EQ(refusal_of({"restore", "latest", "more"}).message, "unexpected argument 'more'");
    EXPECT_EQ(refusal_of({"show", "latest", "--include", "orders"}).hint, "Add --tables.");
}

TEST(CommandLine, PrintsVersionAndHelp) {
    EXPECT_EQ(printed({"--version"}), "db-backup 0.1.0\n");
    EXPECT_NE(printed({"--help"}).find("restore"), std::string::npos);
    EXPECT_EQ(printed({"backup", "--help"}), printed({"help", "backup"}));
    EXPECT_EQ(printed({"config", "show", "-h"}), printed({"help", "config", "show"}));
    EXPECT_EQ(refusal_of({"help", "bakcup"}).hint, "Did you mean backup?");
}

TEST(CommandLine, NeverIgnoresJson) {
    EXPECT_EQ(printed({"--version", "--json"}), "{\n  \"version\": \"0.1.0\"\n}\n");
    EXPECT_EQ(printed({"--json", "-V"}), printed({"--version", "--json"}));
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"--json", "--help"},
                                               {"backup", "--help", "--json"},
                                               {"help", "backup", "--json"},
                                               {"--json", "help"},
                                               {"completion", "bash", "--json"},
                                               {"--json", "completion", "zsh"}}) {
        EXPECT_NE(refusal_of(words).message.find("--json does not go with"), std::string::npos);
        EXPECT_EQ(refusal_of(words).hint, "Leave --json out.");
    }
}

TEST(CommandLine, PrintsHelpWithoutACommandButFails) {
    const CommandLine line = parse_command_line({});
    EXPECT_EQ(std::get<PrintArguments>(line.command).exit_code, ExitCode::usage);
    EXPECT_EQ(refusal_of({"--json"}).message, "no command is given");
}

TEST(CommandLine, WrapsHelpToTheTerminal) {
    for (const std::size_t width : {40U, 60U, 80U}) {
        const CommandLine line = parse_command_line({"init", "--help"}, {width});
        const std::string text = std::get<PrintArguments>(line.command).text;
        // Examples are for pasting and never wrapped.
        std::string_view rest = std::string_view(text).substr(0, text.find("Examples:"));
        while (!rest.empty()) {
            const std::size_t end = rest.find('\n');
            EXPECT_LE(end, width) << rest.substr(0, end);
            rest.remove_prefix(end + 1);
        }
    }
}

TEST(CommandLine, EveryOptionIsExplained) {
    for (const char* command :
         {"backup", "restore", "list", "show", "init", "verify", "prune", "stats", "key"}) {
        const std::string text = printed({"help", command});
        EXPECT_NE(text.find("Examples:"), std::string::npos) << command;
        for (std::size_t at = text.find("\n  -"); at != std::string::npos;
             at = text.find("\n  -", at + 1)) {
            const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
            const bool follows = text.compare(at + 1 + line.size(), 8, "\n       ") == 0;
            EXPECT_TRUE(line.find("  ", 4) != std::string::npos || follows) << line;
        }
    }
}

TEST(CommandLine, TakesTheCommandsOfKeys) {
    const auto parsed = [](const std::vector<std::string>& words) {
        return std::get<KeyArguments>(parse_command_line(words).command);
    };
    EXPECT_EQ(parsed({"key", "list"}).action, KeyArguments::Action::list);
    EXPECT_FALSE(parsed({"key", "add"}).kind);
    EXPECT_EQ(parsed({"key", "add", "--kind", "keyfile", "--new-key-file", "k"}).kind,
              KeySlotKind::key_file);
    EXPECT_EQ(parsed({"key", "rotate", "--label", "safe"}).label, "safe");
    EXPECT_EQ(parsed({"key", "remove", "3f2a"}).slot, "3f2a");
    EXPECT_EQ(refusal_of({"key"}).message, "key needs a command");
    EXPECT_EQ(refusal_of({"key", "remove"}).message, "key remove needs a SLOT");
    EXPECT_NE(refusal_of({"key", "add", "--label", std::string("a\xff")}).message.find("UTF-8"),
              std::string::npos);
    EXPECT_EQ(printed({"__complete", "key", "rot"}).substr(0, 7), "rotate\t");
}

TEST(CommandLine, CompletesWords) {
    EXPECT_EQ(printed({"__complete", "bac"}), "backup\tTake a snapshot of a database\n");
    EXPECT_EQ(printed({"__complete", "backup", "--mode", "d"}), "differential\t\n");
    EXPECT_NE(printed({"__complete", "restore", "--cl"}).find("--clean\t"), std::string::npos);
    EXPECT_NE(printed({"__complete", "--repository", "list", "show", "la"}).find("latest\t"),
              std::string::npos);
    EXPECT_NE(printed({"__complete", "help", "ver"}).find("verify\t"), std::string::npos);
    EXPECT_NE(printed({"completion", "bash"}).find("complete -F"), std::string::npos);
}

/// Everything that has no text, by its path in the tree.
std::string untold(const nlohmann::json& command, const std::string& path) {
    std::string found = command["description"].get<std::string>().empty() ? path + "\n" : "";
    for (const nlohmann::json& argument : command["arguments"]) {
        found += argument["description"] == "" ? path + ' ' + argument["name"].dump() + '\n' : "";
    }
    for (const nlohmann::json& option : command["options"]) {
        found += option["description"] == "" ? path + ' ' + option["names"].dump() + '\n' : "";
    }
    for (const nlohmann::json& each : command["commands"]) {
        found += untold(each, path + ' ' + each["name"].get<std::string>());
    }
    return found;
}

TEST(CommandLine, DescribesAllOfItself) {
    const auto tree = nlohmann::json::parse(printed({"__describe"}));
    EXPECT_EQ(untold(tree, "db-backup"), "");
    EXPECT_EQ(tree["commands"][0]["name"], "backup");
    EXPECT_NE(tree.dump().find(R"("--key-file")"), std::string::npos);
    EXPECT_EQ(tree.dump().find("--scheduled"), std::string::npos) << "help hides it";
    EXPECT_THROW(static_cast<void>(printed({"__describe", "backup"})), ConfigError);
}

TEST(CommandLine, KnowsBeforeParsingWhetherToReportAsJson) {
    EXPECT_TRUE(asks_for_json({"backup", "--nonsense", "--json"}));
    EXPECT_FALSE(asks_for_json({"show", "--", "--json"}));
    EXPECT_TRUE(asks_for_json({"list", "--json=true"}));
    EXPECT_FALSE(asks_for_json({"list", "--json=false"}));
}

}  // namespace
}  // namespace dbbackup
