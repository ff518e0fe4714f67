/// @file
/// Every key, with another value than its default, reaches the typed configuration.

#include "base/error.hpp"
#include "config/config.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::string_view kVersion = "version: 1\n";

LoadedConfig load(std::string_view yaml) {
    return load_config_text(std::string(kVersion) + std::string(yaml), "", {}, "c.yaml");
}

TEST(LoadConfig, ReadsEveryKey) {
    const Config config = load(R"(
repositories:
  main: {url: /r, encryption: keyfile, key_file: /k, bandwidth_limit: 50MiB/s}
  other: {url: "s3://b/p?region=x", encryption: passphrase, passphrase_command: "pass $$1",
          object_lock: {mode: compliance, days: 30}}
sources:
  shop:
    type: postgres
    uri: postgresql://u@h/shop
    password_env: PW
    include: ["a.*", b]
    exclude: []
    jobs: 4
    compression: gzip:9
    delta: never
    spool: 1GiB
    lock_timeout: 1m30s
    tags: {env: prod, team: web}
    repository: main
    hooks: {before: "", after: "notify $$NAME $1", on_error: "exit 1", timeout: 1m30s}
  file: {type: sqlite, database: /srv/x.db}
retention:
  careful: {last: 1, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: 6, within: 1y6mo2d}
  forever: {}
logging: {level: debug, format: json, file: /l, rotate: {size: 1MiB, keep: 0, age: 7d}}
)")
                              .config;
    EXPECT_EQ(config.repositories.at("main").url, "/r");
    EXPECT_EQ(config.repositories.at("main").encryption, Encryption::keyfile);
    EXPECT_EQ(config.repositories.at("main").key_file, "/k");
    EXPECT_EQ(config.repositories.at("main").bandwidth_bytes_per_s, 50_MiB);
    EXPECT_EQ(config.repositories.at("other").bandwidth_bytes_per_s, std::nullopt);
    EXPECT_FALSE(config.repositories.at("main").object_lock());
    EXPECT_EQ(config.repositories.at("other").object_lock(), ObjectLock::parse("compliance:30"));
    EXPECT_EQ(config.repositories.at("other").passphrase.command, "pass $1");
    const SourceConfig& shop = config.sources.at("shop");
    EXPECT_EQ(shop.type, DatabaseType::postgres);
    EXPECT_EQ(shop.uri, "postgresql://u@h/shop");
    EXPECT_EQ(shop.password.environment, "PW");
    EXPECT_EQ(shop.include, (std::vector<std::string>{"a.*", "b"}));
    EXPECT_TRUE(shop.exclude.empty());
    EXPECT_EQ(shop.jobs, 4U);
    EXPECT_EQ(shop.compression, (Compression{CompressionKind::gzip, 9}));
    EXPECT_EQ(shop.delta, DeltaPolicy::never);
    EXPECT_EQ(shop.spool_bytes, 1_GiB);
    EXPECT_EQ(shop.lock_timeout, std::chrono::seconds(90));
    EXPECT_EQ(shop.tags.at("team"), "web");
    EXPECT_EQ(shop.repository, "main");
    EXPECT_EQ(shop.hooks.before, "");
    EXPECT_EQ(shop.hooks.after, "notify $NAME $1");
    EXPECT_EQ(shop.hooks.on_error, "exit 1");
    EXPECT_EQ(shop.hooks.timeout, std::chrono::seconds(90));
    EXPECT_TRUE(config.sources.at("file").hooks.is_empty());
    const Config several =
        load("sources: {a: {type: sqlite, database: [/x, /y]}, b: {type: sqlite, all: /d}}").config;
    EXPECT_EQ(several.sources.at("a").databases, (std::vector<std::string>{"/x", "/y"}));
    EXPECT_EQ(several.sources.at("b").folder, "/d");
    EXPECT_EQ(config.sources.at("file").databases, std::vector<std::string>{"/srv/x.db"});
    EXPECT_EQ(
        config.retention.at("careful"),
        (RetentionRules{1, 2, 3, 4, 5, 6, Age{std::chrono::months(18), std::chrono::days(2)}}));
    EXPECT_TRUE(config.retention.at("forever").is_empty());
    EXPECT_EQ(config.logging.level, LogLevel::debug);
    EXPECT_EQ(config.logging.format, LogFormat::json);
    EXPECT_EQ(config.logging.file, "/l");
    EXPECT_EQ(config.logging.rotate_bytes, 1_MiB);
    EXPECT_EQ(config.logging.rotate_keep, 0U);
    EXPECT_EQ(config.logging.rotate_age, std::chrono::hours(7 * 24));
}

TEST(LoadConfig, ReadsHowOthersWatch) {
    const Config config =
        load("web: {listen: \"[::1]:8750\"}\nmetrics: {textfile: /m/db.prom}").config;
    EXPECT_EQ(config.web.listen, "[::1]:8750");
    EXPECT_EQ(config.metrics.textfile, "/m/db.prom");
    EXPECT_EQ(load("web: {listen: 8750}").config.web.listen, "8750");
}

TEST(LoadConfig, RefusesWhatNobodyCouldWatch) {
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"web: {listen: \"localhost:80\"}", "web.listen: \"localhost:80\" is no address"},
        {"web: {listen: \"127.0.0.1:65536\"}", "web.listen: \"127.0.0.1:65536\" is no address"},
        {"metrics: {textfile: /x/db.txt}", "metrics.textfile: does not end in .prom"}};
    for (const auto& [text, problem] : wrong) {
        try {
            static_cast<void>(load(text));
            ADD_FAILURE() << text;
        } catch (const ConfigError& error) {
            EXPECT_NE(std::string(error.what()).find(problem), std::string::npos) << error.what();
        }
    }
}

TEST(LoadConfig, KnowsWhatAnAddressToListenOnIs) {
    EXPECT_EQ(parse_listen_address("8750"), (ListenAddress{"127.0.0.1", 8750}));
    EXPECT_EQ(parse_listen_address("0.0.0.0:1"), (ListenAddress{"0.0.0.0", 1}));
    EXPECT_EQ(parse_listen_address("[::]:65535"), (ListenAddress{"::", 65535}));
    for (const char* text : {"", ":1", "1:", "::1:80", "[127.0.0.1]:80", "a:80", "1.2.3.4", "80x",
                             "1.2.3.4:-1", "1.2.3.4:65536", "[::1]", "[]:80"}) {
        EXPECT_FALSE(parse_listen_address(text)) << text;
    }
}

TEST(LoadConfig, ReadsWhichDatabasesOfAServerAreMeant) {
    const Config servers = load(
                               "sources: {a: {type: postgres, database: [x, y]}, "
                               "b: {type: postgres, all_databases: true}}")
                               .config;
    EXPECT_EQ(servers.sources.at("a").databases, (std::vector<std::string>{"x", "y"}));
    EXPECT_FALSE(servers.sources.at("a").is_all_databases);
    EXPECT_TRUE(servers.sources.at("b").is_all_databases);
}

TEST(LoadConfig, ReadsWhatRunsWhen) {
    const Config config = load(R"(
repositories: {main: {url: /r}, other: {url: /o}}
sources: {shop: {type: sqlite, database: /x}}
retention: {some: {last: 3}}
notifications: {ops: {type: slack, webhook_url: "https://h.example/x"}}
scheduler: {max_parallel: 7}
schedules:
  nightly:
    source: shop
    repository: [main, other]
    cron: "30 2 * * MON-FRI"
    timezone: Europe/Berlin
    mode: differential
    full_every: 30d
    catch_up: skip
    jitter: 10m
    timeout: 6h
    retries: 5
    retention: some
    verify_every: 7d
    notify: [ops]
  often: {source: shop, repository: main, every: 5m}
  young: {source: shop, rpo: 1h}
)")
                              .config;
    EXPECT_EQ(config.scheduler.max_parallel, 7U);
    const ScheduleConfig& nightly = config.schedules.at("nightly");
    EXPECT_EQ(nightly.source, "shop");
    EXPECT_EQ(nightly.repositories, (std::vector<std::string>{"main", "other"}));
    EXPECT_EQ(nightly.cron, "30 2 * * MON-FRI");
    EXPECT_EQ(nightly.timezone, "Europe/Berlin");
    EXPECT_EQ(nightly.mode, BackupMode::differential);
    EXPECT_EQ(nightly.full_every, std::chrono::hours(720));
    EXPECT_EQ(nightly.catch_up, CatchUp::skip);
    EXPECT_EQ(nightly.jitter, std::chrono::minutes(10));
    EXPECT_EQ(nightly.timeout, std::chrono::hours(6));
    EXPECT_EQ(nightly.retries, 5U);
    EXPECT_EQ(nightly.retention, "some");
    EXPECT_EQ(nightly.verify_every, std::chrono::hours(168));
    EXPECT_EQ(nightly.notify, std::vector<std::string>{"ops"});
    EXPECT_EQ(config.schedules.at("often").every, std::chrono::minutes(5));
    EXPECT_EQ(config.schedules.at("often").repositories, std::vector<std::string>{"main"});
    EXPECT_EQ(config.schedules.at("young").goal, std::chrono::hours(1));
}

TEST(LoadConfig, ReadsWhoIsTold) {
    const Config config = load(R"(
notifications:
  chat: {type: slack, webhook_url_env: HOOK, on: [failure, too_old], quiet: 0s}
  mail: {type: email, smtp: "mx.example:25", security: tls, user: u, password_file: /p,
         from: a@b.example, to: [c@d.example, e@f.example]}
  hook: {type: webhook, webhook_url_command: "pass hook", signing_key_file: /s}
  life: {type: ping, ping_url_file: /u}
sources: {shop: {type: sqlite, database: /d, notify: [chat, mail]}}
)")
                              .config;
    const NotificationConfig& chat = config.notifications.at("chat");
    EXPECT_EQ(chat.url.environment, "HOOK");
    EXPECT_EQ(chat.on, (std::set<Event>{Event::failure, Event::too_old}));
    EXPECT_EQ(chat.quiet.count(), 0);
    const NotificationConfig& mail = config.notifications.at("mail");
    EXPECT_EQ(mail.type, NotifierType::email);
    EXPECT_EQ(mail.host, "mx.example:25");
    EXPECT_EQ(mail.security, MailSecurity::tls);
    EXPECT_EQ(mail.user, "u");
    EXPECT_EQ(mail.password.file, "/p");
    EXPECT_EQ(mail.from, "a@b.example");
    EXPECT_EQ(mail.to, (std::vector<std::string>{"c@d.example", "e@f.example"}));
    EXPECT_EQ(mail.quiet, std::chrono::hours(1));
    EXPECT_EQ(config.notifications.at("hook").signing.file, "/s");
    EXPECT_EQ(config.notifications.at("hook").url.command, "pass hook");
    EXPECT_EQ(config.notifications.at("life").url.file, "/u");
    EXPECT_EQ(config.sources.at("shop").notify, (std::vector<std::string>{"chat", "mail"}));
}

TEST(LoadConfig, ReadsHowFastASourceIsRead) {
    const Config config =
        load("sources: {a: {type: sqlite, database: /d, throttle: 20MiB/s}}").config;
    EXPECT_EQ(config.sources.at("a").throttle_bytes_per_s, 20_MiB);
}

TEST(LoadConfig, ReadsWhatHoldsForAllObjectStores) {
    const Config config = load("storage: {ca_file: /ca, bandwidth_limit: 20MiB/s}").config;
    EXPECT_EQ(config.storage.ca_file, "/ca");
    EXPECT_EQ(config.storage.bandwidth_bytes_per_s, 20_MiB);
    EXPECT_EQ(load("").config.storage.ca_file, std::nullopt);
}

}  // namespace
}  // namespace dbbackup
