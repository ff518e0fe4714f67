#include "repository/collector_records.hpp"

#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "storage/listing.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

/// Markers and outcomes are few; a listing that never settles means that something else is wrong.
constexpr int kAttemptsMax = 10;

std::vector<PackName> decode_marker(const Keys& keys, const ObjectName& name, BytesView object) {
    const Record record = decode_record(keys, name, object, {RecordKind::marker});
    std::vector<PackName> packs;
    for (const Bytes& section : record.sections) {
        const auto marker = parse_record<records::Marker>(section);  // Outlives the loop over it.
        for (const std::string& pack : marker.packs()) {
            packs.push_back(name_from_record<PackName>(pack));
        }
    }
    return packs;
}

void append(std::vector<std::string>& out,
            const google::protobuf::RepeatedPtrField<std::string>& in) {
    out.insert(out.end(), in.begin(), in.end());
}

using Damage = std::vector<std::pair<ObjectName, CorruptionError>>;

/// Returns false when an object went between listing and reading.
template <class Add>
bool read_all(Storage& storage, const char* prefix, Damage& damage, std::stop_token stop,
              const Add& add) {
    for (const ObjectName& name : names_below(storage, prefix, stop)) {
        const std::optional<Bytes> object = storage.get(name, stop);
        if (!object) {
            return false;
        }
        try {
            add(name, *object);
        } catch (const CorruptionError& error) {
            damage.emplace_back(name, error);
        }
    }
    return true;
}

/// Collects one field of all `removed` lists.
template <class Name>
std::set<Name> on_lists(const CollectorRecords& records,
                        std::vector<Name> CollectionOutcome::* field) {
    std::set<Name> names;
    for (const auto& [run, outcome] : records.outcomes) {
        if (outcome) {
            names.insert(((*outcome).*field).begin(), ((*outcome).*field).end());
        }
    }
    return names;
}

}  // namespace

ObjectName marker_object_name(const RunId& run) { return ObjectName("condemned/" + run); }

ObjectName collection_object_name(const RunId& run) { return ObjectName("collections/" + run); }

Bytes encode_marker(const Keys& keys, const ObjectName& name, const std::vector<PackName>& packs) {
    records::Marker record;
    for (const PackName& pack : packs) {
        record.add_packs(to_record(pack));
    }
    return encode_message(keys, name, RecordKind::marker, record);
}

Bytes encode_collection(const Keys& keys, const ObjectName& name,
                        const CollectionOutcome& outcome) {
    records::Collection record;
    for (const PackName& pack : outcome.removed_packs) {
        record.add_removed_packs(to_record(pack));
    }
    for (const std::string& index : outcome.removed_indexes) {
        record.add_removed_indexes(index);
    }
    for (const std::string& manifest : outcome.removed_manifests) {
        record.add_removed_manifests(manifest);
    }
    for (const std::string& earlier : outcome.taken_over) {
        record.add_taken_over(earlier);
    }
    return encode_message(keys, name, RecordKind::collection, record);
}

std::optional<CollectionOutcome> decode_collection(const Keys& keys, const ObjectName& name,
                                                   BytesView object) {
    const Record record =
        decode_record(keys, name, object, {RecordKind::collection, RecordKind::tombstone});
    if (record.kind == RecordKind::tombstone) {
        return std::nullopt;
    }
    CollectionOutcome outcome;
    for (const Bytes& section : record.sections) {
        const auto collection = parse_record<records::Collection>(section);
        for (const std::string& pack : collection.removed_packs()) {
            outcome.removed_packs.push_back(name_from_record<PackName>(pack));
        }
        append(outcome.removed_indexes, collection.removed_indexes());
        append(outcome.removed_manifests, collection.removed_manifests());
        append(outcome.taken_over, collection.taken_over());
    }
    return outcome;
}

bool CollectorRecords::is_decided(const RunId& collection) const {
    return outcomes.contains(collection) ||
           taken_over.contains(collection_object_name(collection).text());
}

std::set<PackName> CollectorRecords::removed_packs() const {
    return on_lists(*this, &CollectionOutcome::removed_packs);
}

std::set<std::string> CollectorRecords::removed_manifests() const {
    return on_lists(*this, &CollectionOutcome::removed_manifests);
}

std::set<std::string> CollectorRecords::removed_indexes() const {
    return on_lists(*this, &CollectionOutcome::removed_indexes);
}

std::set<PackName> CollectorRecords::condemned_by_others(const RunId& own) const {
    std::set<PackName> packs;
    for (const auto& [run, condemned] : markers) {
        if (run != own && !is_decided(run)) {
            packs.insert(condemned.begin(), condemned.end());
        }
    }
    return packs;
}

Removals CollectorRecords::removals() const {
    Removals removals;
    removals.packs = condemned_by_others("");
    removals.packs.merge(removed_packs());
    removals.manifests = removed_manifests();
    removals.indexes = removed_indexes();
    removals.is_complete = is_complete;
    return removals;
}

CollectorRecords read_collector_records(Storage& storage, const Keys& keys, std::stop_token stop,
                                        const OnDamagedRecord& damaged) {
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        CollectorRecords records;
        Damage damage;
        const auto add_marker = [&](const ObjectName& name, BytesView object) {
            records.markers.emplace(name.leaf(), decode_marker(keys, name, object));
        };
        const auto add_outcome = [&](const ObjectName& name, BytesView object) {
            auto outcome = decode_collection(keys, name, object);
            if (outcome) {
                records.taken_over.insert(outcome->taken_over.begin(), outcome->taken_over.end());
            }
            records.outcomes.emplace(name.leaf(), std::move(outcome));
        };
        if (!read_all(storage, "condemned", damage, stop, add_marker) ||
            !read_all(storage, "collections", damage, stop, add_outcome)) {
            continue;
        }
        for (auto& [name, error] : damage) {
            if (!damaged) {
                throw error;
            }
            damaged(name, error);
        }
        records.is_complete = damage.empty();
        return records;
    }
    throw explained<RepositoryError>(
        "the collectors' records change faster than they can be read",
        "Wait until the running 'db-backup prune' has ended and try again.");
}

Removals read_removals(Storage& storage, const Keys& keys, std::stop_token stop,
                       const OnDamagedRecord& damaged) {
    return read_collector_records(storage, keys, std::move(stop), damaged).removals();
}

CollectorRecords read_readable_records(Storage& storage, const Keys& keys, std::stop_token stop) {
    return read_collector_records(storage, keys, std::move(stop),
                                  [](const ObjectName&, const CorruptionError&) {});
}

}  // namespace dbbackup
