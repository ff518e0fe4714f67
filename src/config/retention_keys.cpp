#include "config/key_sections.hpp"

#include <initializer_list>

namespace dbbackup {

void add_retention_keys(std::vector<ConfigKey>& keys) {
    struct Count {
        std::string name;
        std::uint32_t RetentionRules::* member;
        std::string description;
        std::string example;
    };
    for (const Count& count : std::initializer_list<Count>{
             {"last", &RetentionRules::keep_last, "The newest snapshots of a source.", "7"},
             {"hourly", &RetentionRules::keep_hourly, "The newest of each hour.", "24"},
             {"daily", &RetentionRules::keep_daily, "The newest of each day.", "30"},
             {"weekly", &RetentionRules::keep_weekly, "The newest of each week, from Monday.", "8"},
             {"monthly", &RetentionRules::keep_monthly, "The newest of each month.", "12"},
             {"yearly", &RetentionRules::keep_yearly, "The newest of each year.", "3"}}) {
        keys.push_back({.path = "retention.*." + count.name,
                        .kind = KeyKind::count,
                        .description = count.description + " That many of them stay.",
                        .example = count.example,
                        .fallback = "",
                        .least = 1,
                        .most = kKeepMax,
                        .store = [member = count.member](Config& config, const KeyNames& names,
                                                         const KeyValue& value) {
                            config.retention[names.at(0)].*member =
                                static_cast<std::uint32_t>(value.number);
                        }});
    }
    keys.push_back({.path = "retention.*.within",
                    .kind = KeyKind::age,
                    .description = "Snapshots that were begun at most this long ago stay.",
                    .example = "1y6mo",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        config.retention[names.at(0)].keep_within = parse_age(value.text);
                    }});
}

}  // namespace dbbackup
