#include "engine/record_removal.hpp"

#include "base/error.hpp"
#include "engine/open_runs.hpp"
#include "repository/collector_records.hpp"
#include "repository/run.hpp"

#include <algorithm>
#include <set>

namespace dbbackup {
namespace {

constexpr std::size_t kIdBytes = 16;

struct DamagedRecords {
    CollectorRecords readable;
    std::vector<ObjectName> markers;
    std::set<ObjectName> outcomes;
};

DamagedRecords read_records(Repository& repository, std::stop_token stop) {
    DamagedRecords damaged;
    damaged.readable =
        read_collector_records(repository.storage(), repository.keys(), std::move(stop),
                               [&damaged](const ObjectName& name, const CorruptionError&) {
                                   if (name.text().starts_with("condemned/")) {
                                       damaged.markers.push_back(name);
                                   } else {
                                       damaged.outcomes.insert(name);
                                   }
                               });
    return damaged;
}

}  // namespace

std::vector<std::string> remove_damaged_markers(Repository& repository, bool is_dry_run,
                                                const Pause& how, std::stop_token stop) {
    const DamagedRecords records = read_records(repository, stop);
    std::vector<ObjectName> known;
    for (const ObjectName& marker : records.markers) {
        const ObjectName outcome = collection_object_name(std::string(marker.leaf()));
        if (!records.outcomes.contains(outcome)) {
            known.push_back(marker);
            if (!is_dry_run && !records.readable.is_decided(std::string(marker.leaf()))) {
                // Whoever was first with an outcome: decided it is from now on.
                repository.storage().put(
                    outcome,
                    encode_tombstone(repository.keys(), outcome, to_hex(random_bytes(kIdBytes)),
                                     "its marker is damaged"),
                    stop);
            }
        }
    }
    if (!known.empty() && !is_dry_run) {
        // Who lists late must find the outcome before the marker goes.
        pause(how, repository.storage().capabilities().listing_delay, stop);
    }
    std::vector<std::string> removed;
    for (const ObjectName& marker : known) {
        if (!is_dry_run) {
            repository.storage().remove(marker, stop);
        }
        removed.push_back(marker.text());
    }
    return removed;
}

}  // namespace dbbackup
