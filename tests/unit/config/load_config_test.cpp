/// @file
/// Loading from texts: what each layer says, who wins, and what is refused with which words.

#include "base/error.hpp"
#include "config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace dbbackup {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kVersion = "version: 1\n";

LoadedConfig load(std::string_view yaml, const Environment& environment = {},
                  std::string_view dotenv = "") {
    return load_config_text(std::string(kVersion) + std::string(yaml), dotenv, environment,
                            "c.yaml");
}

std::string problem_of(std::string_view yaml, const Environment& environment = {},
                       std::string_view dotenv = "") {
    try {
        static_cast<void>(load_config_text(yaml, dotenv, environment, "c.yaml"));
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "config_invalid");
        EXPECT_EQ(error.exit_code(), ExitCode::usage);
        return error.what();
    }
    return "nothing is wrong";
}

ConfigValue row(const LoadedConfig& loaded, std::string_view key) {
    const auto found = std::find_if(loaded.values.begin(), loaded.values.end(),
                                    [&](const ConfigValue& value) { return value.key == key; });
    return found == loaded.values.end() ? ConfigValue{"", "(missing)", ""} : *found;
}

constexpr std::string_view kShop =
    "sources:\n  shop:\n    type: sqlite\n    database: /srv/shop.db\n";

TEST(LoadConfig, ShowsDefaultsThatApply) {
    const LoadedConfig loaded = load(kShop);
    EXPECT_EQ(row(loaded, "logging.format").value, word_of(loaded.config.logging.format));
    EXPECT_EQ(row(loaded, "logging.format").origin, "default");
    EXPECT_EQ(loaded.config.logging.level, std::nullopt) << "what applies depends on the file";
    EXPECT_EQ(parse_size(row(loaded, "logging.rotate.size").value),
              loaded.config.logging.rotate_bytes);
    EXPECT_EQ(row(loaded, "logging.rotate.keep").value,
              std::to_string(loaded.config.logging.rotate_keep));
    EXPECT_EQ(parse_duration(row(loaded, "sources.shop.hooks.timeout").value),
              loaded.config.sources.at("shop").hooks.timeout);
    EXPECT_EQ(row(loaded, "sources.shop.delta").value,
              word_of(loaded.config.sources.at("shop").delta));
}

TEST(LoadConfig, TheEnvironmentWinsOverDotenvAndThatOverTheFile) {
    const std::string yaml = std::string(kShop) + "logging: {level: error, format: json}\n";
    const std::string dotenv =
        "DB_BACKUP__LOGGING__LEVEL=warning\nDB_BACKUP__LOGGING__ROTATE__KEEP=3";
    const LoadedConfig loaded = load(yaml, {{"db_backup__logging__rotate__keep", "4"}}, dotenv);
    EXPECT_EQ(loaded.config.logging.level, LogLevel::warning);
    EXPECT_EQ(loaded.config.logging.rotate_keep, 4U);
    EXPECT_EQ(row(loaded, "logging.format").origin, "c.yaml:6");
    EXPECT_EQ(row(loaded, "logging.level").origin, ".env:1");
    EXPECT_EQ(row(loaded, "logging.rotate.keep").origin, "db_backup__logging__rotate__keep");
}

TEST(LoadConfig, VariablesFindNamesWithDashesAndMakeNewOnes) {
    const LoadedConfig loaded = load("sources: {my-Shop: {type: mysql}}\n",
                                     {{"DB_BACKUP__SOURCES__MY_SHOP__INCLUDE", "a.*, b"},
                                      {"DB_BACKUP__SOURCES__MY_SHOP__TAGS__ENV", "prod"},
                                      {"DB_BACKUP__REPOSITORIES__NEW__URL", "/new"}});
    ASSERT_EQ(loaded.config.sources.size(), 1U);
    EXPECT_EQ(loaded.config.sources.at("my-Shop").include, (std::vector<std::string>{"a.*", "b"}));
    EXPECT_EQ(loaded.config.sources.at("my-Shop").tags.at("env"), "prod");
    EXPECT_EQ(loaded.config.repositories.at("new").url, "/new");
}

TEST(LoadConfig, AStrongerWayToGiveASecretReplacesTheWeaker) {
    const LoadedConfig loaded = load("repositories: {main: {url: /r, passphrase: hunter2}}\n",
                                     {{"DB_BACKUP__REPOSITORIES__MAIN__PASSPHRASE_FILE", "/p"}});
    const SecretSource& passphrase = loaded.config.repositories.at("main").passphrase;
    EXPECT_EQ(passphrase.file, "/p");
    EXPECT_EQ(passphrase.value, std::nullopt);
    EXPECT_THAT(problem_of("version: 1\nrepositories: {main: {url: /r, passphrase: hunter2, "
                           "passphrase_env: X}}"),
                testing::AllOf(HasSubstr("passphrase is given too"), Not(HasSubstr("hunter2"))));
}

TEST(LoadConfig, ExpandsVariablesInValuesOfTheFileOnly) {
    const LoadedConfig loaded = load(
        "repositories: {main: {url: \"/a/${ONE}/${TWO}/$$/$x\", passphrase: \"${PW}\"}}\n",
        {{"ONE", "1"}, {"PW", "${ONE}"}, {"DB_BACKUP__LOGGING__FILE", "/${ONE}"}}, "ONE=x\nTWO=2");
    EXPECT_EQ(loaded.config.repositories.at("main").url, "/a/1/2/$/$x");
    EXPECT_EQ(loaded.config.repositories.at("main").passphrase.value, "${ONE}");
    EXPECT_EQ(loaded.config.logging.file, "/${ONE}");
    EXPECT_EQ(row(loaded, "repositories.main.passphrase").value, "(secret)");
    EXPECT_THAT(problem_of("version: 1\nlogging: {file: \"${NO}\"}"),
                HasSubstr("logging.file: the variable NO is not set"));
    for (const std::string_view bad : {"${", "${}", "${a b}", "${1}"}) {
        EXPECT_THAT(problem_of("version: 1\nlogging: {file: \"" + std::string(bad) + "\"}"),
                    HasSubstr("write $$ for a dollar"));
    }
}

TEST(LoadConfig, ShowsNoSecretAnywhere) {
    const LoadedConfig loaded = load(R"(
repositories: {main: {url: "s3://key:hunter2@h/p?secret_key=hunter2&region=x", passphrase: hunter2}}
sources:
  a: {type: mysql, uri: "mysql://u:hunter2@h/db", password_command: echo hunter2}
  b: {type: mysql, uri: "mysql://u:${PW}@h/db"}
)",
                                     {{"PW", "hunter2"}});
    for (const ConfigValue& value : loaded.values) {
        EXPECT_THAT(value.value, Not(HasSubstr("hunter2"))) << value.key;
    }
    EXPECT_EQ(row(loaded, "sources.a.uri").value, "mysql://u:***@h/db");
    EXPECT_EQ(row(loaded, "repositories.main.url").value,
              "s3://key:***@h/p?secret_key=***&region=x");
    EXPECT_EQ(loaded.config.sources.at("b").uri, "mysql://u:hunter2@h/db");
}

TEST(LoadConfig, AVariableForASecretMayStandInDotenv) {
    const LoadedConfig loaded =
        load("sources: {a: {type: mysql, password_env: PW}}\n", {}, "PW=hunter2");
    const Secret secret = loaded.config.sources.at("a").password.fetch("password", {});
    EXPECT_EQ(as_text(secret.bytes()), "hunter2");
}

TEST(LoadConfig, ReportsAllProblemsAtOnceWithTheirPlaces) {
    const std::string text = problem_of(R"(version: 1
repositories:
  main: {url: /r, encryptoin: none}
sources:
  shop: {type: postgre, jobs: 0}
logging: {level: loud, rotate: {size: 5x}}
)",
                                        {{"DB_BACKUP__LOGGING__LEVLE", "info"}});
    EXPECT_EQ(
        text,
        "c.yaml:3:19: repositories.main.encryptoin: unknown key (did you mean "
        "\"encryption\"?)\n"
        "c.yaml:5:16: sources.shop.type: \"postgre\" is not one of sqlite, postgres, mysql, "
        "mariadb, mongodb (did you mean \"postgres\"?)\n"
        "c.yaml:5:31: sources.shop.jobs: \"0\" is not a whole number from 1 to 64\n"
        "c.yaml:6:18: logging.level: \"loud\" is not one of debug, info, warning, error, off\n"
        "c.yaml:6:39: logging.rotate.size: \"5x\" is not a size, such as 10MiB\n"
        "environment: DB_BACKUP__LOGGING__LEVLE: no such key (did you mean "
        "\"DB_BACKUP__LOGGING__LEVEL\"?)");
}

/// Each text is wrong in one way.
struct Wrong {
    std::string_view yaml;
    std::string_view problem;
};

class WrongConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongConfig, IsRefusedWithTheReason) {
    const std::string text = problem_of(GetParam().yaml);
    EXPECT_THAT(text, HasSubstr(std::string(GetParam().problem)));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 0) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, WrongConfig,
    testing::Values(
        Wrong{"", "c.yaml:1:1: version: is missing; add the line `version: 1`"},
        Wrong{"logging: {}", "version: is missing"},
        Wrong{"version: 2", "version: 2 is newer than this program"},
        Wrong{"version: one", "c.yaml:1:10: version: must be 1"},
        Wrong{"version: 1\nversion: 1",
              "c.yaml:2:1: version: is given twice; the first is in line 1"},
        Wrong{"version: 1\nschedule: {}", "c.yaml:2:1: schedule: unknown key"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, passphrase:secret}}",
              "c.yaml:2:29: repositories.a.passphrase: a space is missing after the colon"},
        Wrong{"version: 1\nnotification: {}", "notification: unknown key"},
        Wrong{"version: 1\ncaches: {}", "caches: unknown key"},
        Wrong{"version: 1\nsources: {a: {type: mysql, hooks: {befor: x}}}",
              "sources.a.hooks.befor: unknown key (did you mean \"before\"?)"},
        Wrong{"version: 1\nsources: {a: {type: mysql, hooks: {timeout: 0s}}}",
              "\"0s\" is shorter than 1 s"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, bandwidth_limit: 1}}",
              "\"1\" is not a rate from 64.0 KiB/s to 1.0 TiB/s, such as 50MiB/s"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, object_lok: {}}}", "unknown key"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, object_lock: {mode: compliance}}}",
              "object_lock.mode: is given without object_lock.days"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, object_lock: {days: 0}}}",
              "from 1 to 36500"},
        Wrong{"- a", "the document must be a map"},
        Wrong{"version: 1\nlogging: loud", "logging: must be a map of keys"},
        Wrong{"version: 1\nlogging: {level: [info]}",
              "must be one of debug, info, warning, error, off, not a list"},
        Wrong{"version: 1\nlogging: {file: {a: b}}", "must be a path, not a map"},
        Wrong{"version: 1\nlogging: {file: }", "logging.file: has no value"},
        Wrong{"version: 1\nlogging: {file: \"\"}", "logging.file: is empty"},
        Wrong{"version: 1\nlogging: {rotate: {keep: 1001}}", "from 0 to 1000"},
        Wrong{"version: 1\nlogging: {rotate: {size: 1B}}", "is not from 4.0 KiB to"},
        Wrong{"version: 1\nlogging: {rotate: {size: 5}}",
              "\"5\" has no unit; write for example 5MiB or 5GiB"},
        Wrong{"version: 1\nrepositories: {main: {url: \"s3:bucket/x\"}}",
              "repositories.main.url: has a ':' that '//' does not follow"},
        Wrong{"version: 1\nrepositories: {main: }", "repositories.main.url: is missing"},
        Wrong{"version: 1\nrepositories: {\"a b\": {url: /r}}", "a name must be letters"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, encryption: none, key_file: /k}}",
              "is none, but a passphrase or key file"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, encryption: keyfile}}",
              "there is no key_file"},
        Wrong{"version: 1\nrepositories: {a: {url: /r, encryption: passphrase, key_file: /k}}",
              "the encryption is passphrase"},
        Wrong{"version: 1\nsources: {a: {database: x}}", "c.yaml:2:11: sources.a.type: is missing"},
        Wrong{"version: 1\nsources: {a: {type: sqlite}}", "sources.a.database: is missing"},
        Wrong{"version: 1\nsources: {a: {type: sqlite, database: x, uri: y}}",
              "sources.a.uri: is not for sqlite"},
        Wrong{"version: 1\nsources: {a: {type: sqlite, database: x, password_env: Y}}",
              "sources.a.password_env: is not for sqlite"},
        Wrong{"version: 1\nsources: {a: {type: sqlite, database: x, exclude: [y]}}",
              "sources.a.exclude: is not for sqlite, which is backed up whole"},
        Wrong{"version: 1\nsources: {a: {type: sqlite, database: x, include: [y]}}",
              "sources.a.include: is not for sqlite"},
        Wrong{"version: 1\nsources: {a: {type: mysql, compression: zstd:99}}",
              "\"zstd:99\" is not zstd[:1-19]"},
        Wrong{"version: 1\nsources: {a: {type: mysql, lock_timeout: 5}}",
              "\"5\" is not a duration, such as 30s"},
        Wrong{"version: 1\nsources: {a: {type: mysql, lock_timeout: 2d}}", "longer than 86400 s"},
        Wrong{"version: 1\nsources: {a: {type: mysql, jobs: 65}}", "from 1 to 64"},
        Wrong{"version: 1\nsources: {a: {type: mysql, compression: zip}}", "only for archives"},
        Wrong{"version: 1\nsources: {a: {type: mysql, include: x}}", "must be a list"},
        Wrong{"version: 1\nsources: {a: {type: mysql, include: [\"\"]}}", "an item is empty"},
        Wrong{"version: 1\nsources: {a: {type: mysql, password_env: a b}}",
              "must be the name of a variable"},
        Wrong{"version: 1\nrepositories: {main: {url: /r}}\nsources: {a: {type: mysql, repository: "
              "mian}}",
              "there is no repository \"mian\" in repositories (did you mean \"main\"?)"}));

INSTANTIATE_TEST_SUITE_P(
    SeveralDatabasesReasons, WrongConfig,
    testing::Values(Wrong{"version: 1\nsources: {a: {type: sqlite, database: x, all: /d}}",
                          "sources.a.all: and database exclude each other"},
                    Wrong{"version: 1\nsources: {a: {type: sqlite, all: /d, include: [\"[x\"]}}",
                          "has a [ that nothing closes"},
                    Wrong{"version: 1\nsources: {a: {type: sqlite, database: []}}",
                          "sources.a.database: is missing"},
                    Wrong{"version: 1\nsources: {a: {type: sqlite, database: {x: y}}}",
                          "must be a text or list of texts, not a map"},
                    Wrong{"version: 1\nsources: {a: {type: mysql, all: /d}}",
                          "sources.a.all: is only for sqlite"},
                    Wrong{"version: 1\nsources: {a: {type: mysql, database: [x, y]}}",
                          "sources.a.database: is one for a server"},
                    Wrong{"version: 1\nsources: {a: {type: postgres, all_databases: yes}}",
                          "\"yes\" is not one of true, false"},
                    Wrong{"version: 1\nsources: {a: {type: mysql, all_databases: true}}",
                          "sources.a.all_databases: is only for postgres"},
                    Wrong{"version: 1\nsources: {a: {type: postgres, database: [x, y], "
                          "all_databases: true}}",
                          "sources.a.all_databases: and database exclude each other"}));

/// A configuration with one schedule, and what has to be there for it.
#define SCHEDULE(keys) \
    "version: 1\nsources: {s: {type: sqlite, database: /x}}\nschedules: {a: {" keys "}}"
#define NOTIFICATION(keys) "version: 1\nnotifications: {a: {" keys "}}"

INSTANTIATE_TEST_SUITE_P(
    ScheduleReasons, WrongConfig,
    testing::Values(
        Wrong{SCHEDULE("cron: \"* * * * *\""), "schedules.a.source: is missing"},
        Wrong{SCHEDULE("source: s"), "schedules.a.cron: is missing"},
        Wrong{SCHEDULE("source: s, cron: \"* * * * *\", every: 1h"), "exclude each other"},
        Wrong{SCHEDULE("source: s, every: 1h, rpo: 1h"), "schedules.a.rpo: cron, every and rpo"},
        Wrong{SCHEDULE("source: s, every: 1s"), "schedules.a.every"},
        Wrong{SCHEDULE("source: s, cron: \"0 25 * * *\""), "'25' is no hour from 0 to 23"},
        Wrong{SCHEDULE("source: s, cron: \"@daily\", timezone: Mars/Olympus"),
              "schedules.a.timezone: the system knows no time zone 'Mars/Olympus'"},
        Wrong{SCHEDULE("source: ss, every: 1h"),
              "there is no \"ss\" in sources (did you mean \"s\"?)"},
        Wrong{SCHEDULE("source: s, every: 1h, repository: main"),
              "there is no \"main\" in repositories"},
        Wrong{SCHEDULE("source: s, every: 1h, retention: r"), "there is no \"r\" in retention"},
        Wrong{SCHEDULE("source: s, every: 1h, notify: [ops]"),
              "there is no \"ops\" in notifications"},
        Wrong{SCHEDULE("source: s, every: 1h, mode: full, full_every: 2d"), "but the mode is full"},
        Wrong{"version: 1\nsources: {a: {type: sqlite, database: /d, notify: [b]}}",
              "there is no \"b\" in notifications"},
        Wrong{NOTIFICATION("webhook_url: x"), "notifications.a.type: is missing"},
        Wrong{NOTIFICATION("type: slack"), "notifications.a.webhook_url: is missing"},
        Wrong{NOTIFICATION("type: ping"), "notifications.a.ping_url: is missing"},
        Wrong{NOTIFICATION("type: slack, webhook_url: x, on: [failures]"),
              "\"failures\" is not one of success, failure"},
        Wrong{NOTIFICATION("type: slack, webhook_url: x, signing_key: y"),
              "notifications.a.signing_key: is only for a webhook"},
        Wrong{NOTIFICATION("type: slack, webhook_url: x, to: y"), "notifications.a.to: is only"},
        Wrong{NOTIFICATION("type: email, from: x, to: y"), "notifications.a.smtp: is missing"},
        Wrong{NOTIFICATION("type: email, smtp: h, to: y"), "notifications.a.from: is missing"},
        Wrong{NOTIFICATION("type: email, smtp: h, from: y"), "notifications.a.to: is missing"},
        Wrong{NOTIFICATION("type: email, smtp: h, from: y, to: z, user: u"),
              "notifications.a.password: is missing"},
        Wrong{NOTIFICATION("type: email, smtp: h, from: y, to: z, user: u, password: p, "
                           "security: none"),
              "would show the password to everybody"}));

#undef SCHEDULE
#undef NOTIFICATION

INSTANTIATE_TEST_SUITE_P(
    RetentionReasons, WrongConfig,
    testing::Values(
        Wrong{"version: 1\nretention: {a: {hour: 7}}",
              "retention.a.hour: unknown key (did you mean \"hourly\"?)"},
        Wrong{"version: 1\nretention: {a: {last: 0}}", "\"0\" is not a whole number from 1 to"},
        Wrong{"version: 1\nretention: {a: {daily: -1}}", "\"-1\" is not a whole number"},
        Wrong{"version: 1\nretention: {a: {within: 6m}}",
              "c.yaml:2:25: retention.a.within: \"6m\" is not an age, such as 1y6mo: whole numbers "
              "of y, mo (months), w, d and h"},
        Wrong{"version: 1\nretention: {a: {within: }}", "retention.a.within: has no value"},
        Wrong{"version: 1\nretention: {a: 7}", "retention.a: must be a map of keys"}));

TEST(LoadConfig, RefusesTwoVariablesForOneKey) {
    EXPECT_THAT(problem_of("version: 1", {{"DB_BACKUP__LOGGING__LEVEL", "info"},
                                          {"db_backup__logging__level", "error"}}),
                HasSubstr("is the same key as DB_BACKUP__LOGGING__LEVEL"));
}

TEST(EnvironmentDefaults, ComeFromThePlainVariables) {
    const EnvironmentDefaults defaults =
        load("", {{"DB_BACKUP_REPOSITORY", "main"}, {"DB_BACKUP_PASSPHRASE_FILE", "/p"}},
             "DB_BACKUP_PASSPHRASE=weaker\nDB_BACKUP_KEY_FILE=/k")
            .defaults;
    EXPECT_EQ(defaults.repository, "main");
    EXPECT_EQ(defaults.passphrase.file, "/p");
    EXPECT_FALSE(defaults.passphrase.environment);
    EXPECT_EQ(defaults.key_file, "/k");
    EXPECT_FALSE(load("").defaults.passphrase.is_set());
}

TEST(EnvironmentDefaults, GiveThePassphraseOfTheVariable) {
    const EnvironmentDefaults defaults = load("", {}, "DB_BACKUP_PASSPHRASE=hunter2").defaults;
    EXPECT_EQ(as_text(defaults.passphrase.fetch("passphrase", {}).bytes()), "hunter2");
    EXPECT_EQ(defaults.passphrase.where(), "environment variable DB_BACKUP_PASSPHRASE");
}

TEST(EnvironmentDefaults, KnowTheNewPassphraseFromTheOldOne) {
    const LoadedConfig loaded = load(
        "", {{"DB_BACKUP_NEW_PASSPHRASE_FILE", "/new"}, {"DB_BACKUP_PASSPHRASE_COMMAND", "old"}},
        "DB_BACKUP_NEW_PASSPHRASE=weaker\nDB_BACKUP_PASSPHRASE_FILE=/old");
    EXPECT_EQ(loaded.defaults.new_passphrase.file, "/new");
    EXPECT_FALSE(loaded.defaults.new_passphrase.environment);
    EXPECT_EQ(loaded.defaults.passphrase.command, "old");
    EXPECT_FALSE(loaded.defaults.passphrase.file);
    EXPECT_FALSE(load("", {{"DB_BACKUP_PASSPHRASE", "x"}}).defaults.new_passphrase.is_set());
    EXPECT_THAT(problem_of("version: 1", {{"DB_BACKUP_NEW_PASSPHRASE", "hunter2"},
                                          {"DB_BACKUP_NEW_PASSPHRASE_FILE", "/p"}}),
                testing::AllOf(HasSubstr("DB_BACKUP_NEW_PASSPHRASE"),
                               HasSubstr("more than one way"), Not(HasSubstr("hunter2"))));
}

TEST(EnvironmentDefaults, AreShownWithTheirOriginAndWithoutSecrets) {
    const LoadedConfig loaded =
        load("", {{"DB_BACKUP_PASSPHRASE", "hunter2"}, {"DB_BACKUP_CONFIG", "/c.yaml"}},
             "DB_BACKUP_REPOSITORY=s3://u:pw@b/p\nDB_BACKUP_PASSPHRASE_FILE=/p\n"
             "DB_BACKUP_KEY_FILE=/k\nDB_BACKUP_CONFIG=/ignored");
    std::string rows;
    for (const ConfigValue& value : loaded.values) {
        if (value.key.starts_with("DB_BACKUP_")) {
            rows += value.key + "=" + value.value + " (" + value.origin + ")\n";
        }
    }
    EXPECT_EQ(rows,
              "DB_BACKUP_CONFIG=/c.yaml (environment)\n"
              "DB_BACKUP_REPOSITORY=s3://u:***@b/p (.env:1)\n"
              "DB_BACKUP_PASSPHRASE=(secret) (environment)\n"
              "DB_BACKUP_KEY_FILE=/k (.env:3)\n");
    const LoadedConfig command = load("", {{"DB_BACKUP_PASSPHRASE_COMMAND", "echo hunter2"}});
    EXPECT_EQ(command.values.back().value, "(command)");
}

TEST(EnvironmentDefaults, AreRefusedWhenEmptyOrAmbiguous) {
    EXPECT_THAT(problem_of("version: 1", {{"DB_BACKUP_KEY_FILE", ""}}),
                HasSubstr("DB_BACKUP_KEY_FILE: is empty"));
    EXPECT_THAT(problem_of("version: 1", {{"DB_BACKUP_PASSPHRASE", "hunter2"},
                                          {"DB_BACKUP_PASSPHRASE_FILE", "/p"}}),
                testing::AllOf(HasSubstr("more than one way"), Not(HasSubstr("hunter2"))));
    // An empty passphrase is an error when it is used, and never "no passphrase".
    EXPECT_TRUE(load("", {{"DB_BACKUP_PASSPHRASE", ""}}).defaults.passphrase.is_set());
}

TEST(LoadConfig, WarnsOfMisspeltPlainVariables) {
    EXPECT_THAT(load("", {{"DB_BACKUP_PASSPHRSE", "x"}}).warnings,
                testing::ElementsAre(HasSubstr("did you mean DB_BACKUP_PASSPHRASE?")));
    EXPECT_TRUE(load("", {{"PATH", "/bin"}, {"DB_BACKUP_REPOSITORY", "x"}}).warnings.empty());
}

}  // namespace
}  // namespace dbbackup
