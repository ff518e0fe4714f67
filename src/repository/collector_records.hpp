#pragma once

/// @file
/// What collectors write: markers, outcomes, and which of them count (docs/protocol.md).

#include "base/error.hpp"
#include "repository/keys.hpp"
#include "repository/repository.hpp"
#include "storage/storage.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// The word for a collection in `runs/<run>/<n>`.
inline constexpr const char* kCollectionKind = "collection";

/// `condemned/<run>`
[[nodiscard]] ObjectName marker_object_name(const RunId& run);
/// `collections/<run>`
[[nodiscard]] ObjectName collection_object_name(const RunId& run);

/// The outcome of a collection: its `removed` list.
struct CollectionOutcome {
    std::vector<PackName> removed_packs;
    std::vector<std::string> removed_indexes;
    std::vector<std::string> removed_manifests;
    /// Object names of earlier outcomes, all of whose names stand in this one too.
    std::vector<std::string> taken_over;
};

[[nodiscard]] Bytes encode_marker(const Keys& keys, const ObjectName& name,
                                  const std::vector<PackName>& packs);
[[nodiscard]] Bytes encode_collection(const Keys& keys, const ObjectName& name,
                                      const CollectionOutcome& outcome);
/// Nothing for a tombstone. @throws CorruptionError, RepositoryError.
[[nodiscard]] std::optional<CollectionOutcome> decode_collection(const Keys& keys,
                                                                 const ObjectName& name,
                                                                 BytesView object);

/// All that collectors have written, as of one reading.
struct CollectorRecords {
    std::map<RunId, std::vector<PackName>> markers;
    /// Nothing: a tombstone.
    std::map<RunId, std::optional<CollectionOutcome>> outcomes;
    /// Outcomes that a later one repeats. They count whether they are still there or not.
    std::set<std::string> taken_over;
    bool is_complete = true;  ///< False when something could not be read.

    /// Whether the outcome of this collection stands, as a list or as a tombstone. Its marker means
    /// nothing then: only its list counts.
    [[nodiscard]] bool is_decided(const RunId& collection) const;
    [[nodiscard]] std::set<PackName> removed_packs() const;
    [[nodiscard]] std::set<std::string> removed_manifests() const;
    [[nodiscard]] std::set<std::string> removed_indexes() const;
    /// Packs in markers of undecided collections other than `own`.
    [[nodiscard]] std::set<PackName> condemned_by_others(const RunId& own) const;
    /// What readers and writers must respect.
    [[nodiscard]] Removals removals() const;
};

/// Told of an object that cannot be read.
using OnDamagedRecord = std::function<void(const ObjectName&, CorruptionError&)>;

/// Reads `condemned/`, then `collections/`, in that order: a marker goes only after its outcome
/// stands, so nothing can slip through between the two. An object gone between listing and
/// reading: both are listed again.
/// @param damaged Told of what cannot be read, which is then left out: enough for who only reads.
/// Empty: CorruptionError is thrown, because then nothing may be reused and nothing deleted.
[[nodiscard]] CollectorRecords read_collector_records(Storage& storage, const Keys& keys,
                                                      std::stop_token stop,
                                                      const OnDamagedRecord& damaged = {});

/// As above, for readers and writers.
[[nodiscard]] Removals read_removals(Storage& storage, const Keys& keys, std::stop_token stop,
                                     const OnDamagedRecord& damaged = {});

/// What can be read of them, for who only reads and has heard of the damage elsewhere.
[[nodiscard]] CollectorRecords read_readable_records(Storage& storage, const Keys& keys,
                                                     std::stop_token stop);

}  // namespace dbbackup
