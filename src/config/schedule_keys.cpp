#include "config/key_sections.hpp"

namespace dbbackup {
namespace {

constexpr std::uint64_t kSpanMax = kScheduleSpanMax.count();

ScheduleConfig& schedule(Config& config, const KeyNames& names) {
    return config.schedules[names.at(0)];
}

void add_what(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "schedules.*.source",
                    .kind = KeyKind::text,
                    .description = "What is backed up, by its name in `sources`.",
                    .example = "shop",
                    .fallback = "",
                    .required = true,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).source = value.text;
                    }});
    keys.push_back({.path = "schedules.*.repository",
                    .kind = KeyKind::texts,
                    .description = "Where to, by names in `repositories`; without it, where the "
                                   "source goes by itself.",
                    .example = "main",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        ScheduleConfig& named = schedule(config, names);
                        named.repositories = value.list;
                        if (value.list.empty()) {
                            named.repositories.push_back(value.text);
                        }
                    }});
    keys.push_back({.path = "schedules.*.mode",
                    .kind = KeyKind::word,
                    .description = "What the backups are compared with.",
                    .example = "differential",
                    .fallback = "incremental",
                    .words = words_of_keys<BackupMode>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).mode = checked_value<BackupMode>(value);
                    }});
    keys.push_back({.path = "schedules.*.full_every",
                    .kind = KeyKind::duration,
                    .description = "A full backup in the place of another when the newest full is "
                                   "older than this.",
                    .example = "30d",
                    .fallback = "",
                    .least = 60,
                    .most = kSpanMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).full_every = std::chrono::seconds(value.number);
                    }});
}

void add_when(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "schedules.*.cron",
                    .kind = KeyKind::text,
                    .description = "When: minute, hour, day of the month, month, day of the week, "
                                   "or a word such as `@daily`.",
                    .example = "30 2 * * *",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).cron = value.text;
                    }});
    keys.push_back({.path = "schedules.*.every",
                    .kind = KeyKind::duration,
                    .description = "In the place of `cron`: a fixed time from one to the next.",
                    .example = "6h",
                    .fallback = "",
                    .least = 60,
                    .most = kSpanMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).every = std::chrono::seconds(value.number);
                    }});
    keys.push_back({.path = "schedules.*.rpo",
                    .kind = KeyKind::duration,
                    .description = "In the place of `cron`, a goal: the newest good backup is "
                                   "never older than this.",
                    .example = "1h",
                    .fallback = "",
                    .least = 60,
                    .most = kSpanMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).goal = std::chrono::seconds(value.number);
                    }});
    keys.push_back({.path = "schedules.*.timezone",
                    .kind = KeyKind::text,
                    .description = "The time zone of `cron`: a name such as `Europe/Berlin` or "
                                   "`UTC`, or `local` for this machine's.",
                    .example = "Europe/Berlin",
                    .fallback = "local",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).timezone = value.text;
                    }});
    keys.push_back({.path = "schedules.*.jitter",
                    .kind = KeyKind::duration,
                    .description = "Each run begins later by a part of this, so that many hosts do "
                                   "not begin at once.",
                    .example = "10m",
                    .fallback = "",
                    .most = kSpanMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).jitter = std::chrono::seconds(value.number);
                    }});
    keys.push_back({.path = "schedules.*.catch_up",
                    .kind = KeyKind::word,
                    .description = "What becomes of runs that were due while no scheduler ran: one "
                                   "run for all of them, or none.",
                    .example = "skip",
                    .fallback = "once",
                    .words = words_of_keys<CatchUp>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).catch_up = checked_value<CatchUp>(value);
                    }});
}

void add_care(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "schedules.*.timeout",
                    .kind = KeyKind::duration,
                    .description = "A run that takes longer is ended, and has failed.",
                    .example = "6h",
                    .fallback = "",
                    .least = 1,
                    .most = kSpanMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).timeout = std::chrono::seconds(value.number);
                    }});
    keys.push_back({.path = "schedules.*.retries",
                    .kind = KeyKind::count,
                    .description = "How often a run that failed is tried again, after a minute, "
                                   "two, four and so on.",
                    .example = "5",
                    .fallback = "2",
                    .most = kRetriesMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).retries = static_cast<unsigned>(value.number);
                    }});
    keys.push_back({.path = "schedules.*.retention",
                    .kind = KeyKind::text,
                    .description = "Rules of `retention` by which old snapshots of the source are "
                                   "removed after each good backup.",
                    .example = "keep-90-days",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).retention = value.text;
                    }});
    keys.push_back({.path = "schedules.*.verify_every",
                    .kind = KeyKind::duration,
                    .description = "A good backup is followed by a check of the repository's data "
                                   "when the last one was longer ago.",
                    .example = "7d",
                    .fallback = "",
                    .least = 60,
                    .most = kSpanMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).verify_every = std::chrono::seconds(value.number);
                    }});
    keys.push_back({.path = "schedules.*.notify",
                    .kind = KeyKind::list,
                    .description = "Who is told of it, by names in `notifications`.",
                    .example = "[ops]",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        schedule(config, names).notify = value.list;
                    }});
    keys.push_back({.path = "scheduler.max_parallel",
                    .kind = KeyKind::count,
                    .description = "How many jobs run at once at most.",
                    .example = "4",
                    .fallback = "2",
                    .least = 1,
                    .most = kParallelMax,
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.scheduler.max_parallel = static_cast<unsigned>(value.number);
                    }});
}

}  // namespace

void add_schedule_keys(std::vector<ConfigKey>& keys) {
    add_what(keys);
    add_when(keys);
    add_care(keys);
}

}  // namespace dbbackup
