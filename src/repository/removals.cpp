#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "repository/run.hpp"

#include <fmt/format.h>

namespace dbbackup {
namespace {

/// Markers and outcomes are few; a listing that never settles means that something else is wrong.
constexpr int kAttemptsMax = 10;

std::vector<ObjectName> names_below(Storage& storage, const char* prefix, std::stop_token stop) {
    std::vector<ObjectName> names;
    storage.list(
        ObjectPrefix(prefix), [&names](const ObjectInfo& info) { names.push_back(info.name); },
        stop);
    return names;
}

void add_marker(const Record& record, Removals& removals) {
    for (const Bytes& section : record.sections) {
        const auto marker = parse_record<records::Marker>(section);  // Outlives the loop over it.
        for (const std::string& pack : marker.packs()) {
            removals.packs.insert(name_from_record<PackName>(pack));
        }
    }
}

void add_collection(const Record& record, Removals& removals) {
    for (const Bytes& section : record.sections) {
        const auto collection = parse_record<records::Collection>(section);
        for (const std::string& pack : collection.removed_packs()) {
            removals.packs.insert(name_from_record<PackName>(pack));
        }
        removals.manifests.insert(collection.removed_manifests().begin(),
                                  collection.removed_manifests().end());
        removals.indexes.insert(collection.removed_indexes().begin(),
                                collection.removed_indexes().end());
    }
}

void add_record(const ObjectName& name, const Record& record, RecordKind expected,
                Removals& removals) {
    if (record.kind == RecordKind::tombstone && expected == RecordKind::collection) {
        return;  // A collector that was given up: it removed nothing.
    }
    if (record.kind != expected) {
        throw CorruptionError(fmt::format("{} holds a record of another kind", name.text()));
    }
    if (expected == RecordKind::marker) {
        add_marker(record, removals);
    } else {
        add_collection(record, removals);
    }
}

using Damage = std::vector<std::pair<ObjectName, CorruptionError>>;

/// Returns false when an object went between listing and reading.
bool read_all(Storage& storage, const Keys& keys, const char* prefix, RecordKind expected,
              Removals& removals, Damage& damage, std::stop_token stop) {
    for (const ObjectName& name : names_below(storage, prefix, stop)) {
        const std::optional<Bytes> object = storage.get(name, stop);
        if (!object) {
            return false;
        }
        try {
            add_record(name, decode_record(keys, name, *object), expected, removals);
        } catch (const CorruptionError& error) {
            damage.emplace_back(name, error);
        }
    }
    return true;
}

}  // namespace

Removals read_removals(Storage& storage, const Keys& keys, std::stop_token stop,
                       const std::function<void(const ObjectName&, CorruptionError&)>& damaged) {
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        Removals removals;
        Damage damage;
        if (!read_all(storage, keys, "condemned", RecordKind::marker, removals, damage, stop) ||
            !read_all(storage, keys, "collections", RecordKind::collection, removals, damage,
                      stop)) {
            continue;
        }
        for (auto& [name, error] : damage) {
            if (!damaged) {
                throw error;
            }
            damaged(name, error);
        }
        removals.is_complete = damage.empty();
        return removals;
    }
    throw explained<RepositoryError>(
        "the collectors' records change faster than they can be read",
        "Wait until the running 'db-backup prune' has ended and try again.");
}

}  // namespace dbbackup
