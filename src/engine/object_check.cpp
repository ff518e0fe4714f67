#include "engine/object_check.hpp"

#include "base/error.hpp"
#include "repository/collector_records.hpp"
#include "repository/config_object.hpp"
#include "repository/features.hpp"
#include "repository/manifest.hpp"
#include "repository/record.hpp"
#include "repository/run.hpp"
#include "repository/store_proof.hpp"
#include "storage/access_denied.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string>

namespace dbbackup {
namespace {

struct Folder {
    std::string_view prefix;
    std::array<RecordKind, 3> kinds;  ///< What may stand there; the last again if there are fewer.
};

constexpr std::array<Folder, 7> kRecordFolders = {{
    {"runs/", {RecordKind::run, RecordKind::run, RecordKind::run}},
    {"manifests/", {RecordKind::manifest, RecordKind::tombstone, RecordKind::tombstone}},
    {"indexes/", {RecordKind::index, RecordKind::index, RecordKind::index}},
    {"condemned/", {RecordKind::marker, RecordKind::marker, RecordKind::marker}},
    {"collections/", {RecordKind::collection, RecordKind::tombstone, RecordKind::tombstone}},
    {"pins/", {RecordKind::pin, RecordKind::pin_end, RecordKind::tombstone}},
    {"damaged/", {RecordKind::damage, RecordKind::damage, RecordKind::damage}},
}};

constexpr std::string_view kKeysFolder = "keys/";
constexpr std::string_view kFeaturesFolder = "features/";

/// What manifests say of other objects, by name.
struct References {
    struct Predecessor {
        SnapshotId id;
        std::string digest;  ///< What its manifest had then; "" if that was damaged.
    };
    std::set<std::string> indexes;
    std::map<std::string, Predecessor> predecessors;
    std::map<std::string, std::string> digests;  ///< Of the manifests that there are.

    void add(const ObjectName& name, const Manifest& manifest) {
        indexes.insert(manifest.indexes.begin(), manifest.indexes.end());
        digests.emplace(name.text(), to_hex(manifest.object_digest));
        const SnapshotDetails& details = manifest.details;
        if (details.predecessor) {
            const ObjectName before =
                manifest_object_name(details.summary.source_id, *details.predecessor);
            predecessors.insert_or_assign(
                before.text(), Predecessor{*details.predecessor, details.predecessor_digest});
        }
    }
};

void check_content(const Keys& keys, const Folder& folder, const ObjectName& name,
                   const Record& record, BytesView object, References& references) {
    if (std::ranges::find(folder.kinds, record.kind) == folder.kinds.end()) {
        throw CorruptionError("it holds a record of another kind");
    }
    if (record.kind == RecordKind::manifest) {
        if (const std::optional<Manifest> manifest = decode_manifest(keys, name, object)) {
            references.add(name, *manifest);
        }
    } else if (record.kind == RecordKind::index) {
        for (const Bytes& section : record.sections) {
            static_cast<void>(decode_index(section));
        }
    }
}

void check_record(Repository& repository, const Folder& folder, const ObjectName& name,
                  References& references, std::stop_token stop) {
    const std::optional<Bytes> object = repository.storage().get(name, std::move(stop));
    if (!object) {
        return;  // Collected between listing and reading.
    }
    const Record record = decode_record(repository.keys(), name, *object);
    check_content(repository.keys(), folder, name, record, *object, references);
}

/// What a manifest refers to was durable before it, and a collector says what it takes away before
/// it does; so this looks for the objects first, and then for who removed them.
void check_references(Repository& repository, const References& references,
                      const std::vector<ObjectName>& listed, Findings& findings,
                      std::stop_token stop) {
    const std::set<ObjectName> present(listed.begin(), listed.end());
    const auto is_missing = [&](const std::string& name) {
        return !present.contains(ObjectName(name)) &&
               !repository.storage().size_bytes(ObjectName(name), stop);
    };
    std::set<std::string> missing;
    std::copy_if(references.indexes.begin(), references.indexes.end(),
                 std::inserter(missing, missing.end()), is_missing);
    for (const auto& [name, then] : references.predecessors) {
        const auto now = references.digests.find(name);
        if (now != references.digests.end() && !then.digest.empty() && now->second != then.digest) {
            findings.add(name, "it is not the manifest that the snapshot after it saw");
        } else if (now == references.digests.end() && is_missing(name)) {
            missing.insert(name);
        }
    }
    if (missing.empty()) {
        return;
    }
    // Records that cannot be read have findings of their own.
    const Removals removals =
        read_readable_records(repository.storage(), repository.keys(), stop).removals();
    for (const std::string& name : missing) {
        const auto snapshot = references.predecessors.find(name);
        if (removals.indexes.contains(name) || removals.manifests.contains(name)) {
            continue;
        }
        if (snapshot != references.predecessors.end()) {
            findings.add(name, "missing", snapshot->second.id);
        } else {
            findings.add_harmless(name, "missing: chunks that it names may be stored again");
        }
    }
}

void check_small_object(Repository& repository, const ObjectName& name, Findings& findings,
                        std::stop_token stop) {
    const std::optional<Bytes> object = repository.storage().get(name, std::move(stop));
    if (!object) {
        return;
    }
    if (name == config_object_name()) {
        check_config_mac(*object, repository.keys());
        return;
    }
    if (name.text().starts_with(kFeaturesFolder)) {
        check_feature_statement(name, *object);
        return;
    }
    const StoredKeySlot stored = decode_key_slot(name, *object);
    check_key_slot(stored.slot);
    if (stored.repository_id != repository.id()) {
        findings.add_harmless(name.text(),
                              "a key slot of another repository, left by an interrupted init");
    } else if (!stored.copy_of.empty()) {
        findings.add_harmless(
            name.text(),
            fmt::format("a removal of the key slot {} left it, and it still opens the repository",
                        stored.copy_of));
    }
}

}  // namespace

ObjectCheck check_objects(Repository& repository, bool reads_records, Findings& findings,
                          std::stop_token stop) {
    ObjectCheck check;
    std::vector<ObjectName> others;
    repository.storage().list(
        ObjectPrefix(),
        [&](const ObjectInfo& info) {
            if (const std::optional<PackName> pack = pack_name_of(info.name)) {
                check.packs.emplace(*pack, info.size_bytes);
            } else {
                others.push_back(info.name);
                check.key_slots += info.name.text().starts_with(kKeysFolder) ? 1U : 0U;
            }
        },
        stop);
    if (!reads_records) {
        return check;
    }
    References references;
    for (const ObjectName& name : others) {
        const std::string& text = name.text();
        try {
            if (name == config_object_name() || text.starts_with(kKeysFolder) ||
                text.starts_with(kFeaturesFolder)) {
                check_small_object(repository, name, findings, stop);
                continue;
            }
            if (is_init_probe(name)) {
                continue;
            }
            const auto folder =
                std::find_if(kRecordFolders.begin(), kRecordFolders.end(),
                             [&](const Folder& each) { return text.starts_with(each.prefix); });
            if (folder == kRecordFolders.end()) {
                findings.add_harmless(text, "this object does not belong to the repository");
            } else {
                check_record(repository, *folder, name, references, stop);
            }
        } catch (const CorruptionError& error) {
            text.starts_with("manifests/")
                ? findings.add(text, error.what(), std::string(name.leaf()))
                : findings.add(text, error.what());
        } catch (const StorageError& error) {
            findings.add(text, damage_of(error).what());
        } catch (const RepositoryError& error) {
            findings.add_harmless(text, error.what());  // Of a newer version of this program.
        }
    }
    check_references(repository, references, others, findings, stop);
    return check;
}

}  // namespace dbbackup
