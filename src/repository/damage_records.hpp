#pragma once

/// @file
/// What `repair` found damaged: objects `damaged/<id>` that name packs (docs/format.md,
/// docs/protocol.md).
///
/// A pack that one names provides nothing to writers, so that what it held is stored again where
/// the database still has it; readers take another copy where there is one; and a collector counts
/// on nothing that only it holds, so that it may go once all that is needed decodes from others.
/// The pack itself stays, and what is whole in it is read as before.

#include "repository/keys.hpp"
#include "repository/repository.hpp"
#include "storage/object_name.hpp"

#include <cstdint>
#include <set>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// A new name `damaged/<id>`.
[[nodiscard]] ObjectName new_damage_object_name();

[[nodiscard]] Bytes encode_damage(const Keys& keys, const ObjectName& name,
                                  const std::set<PackName>& packs);
/// @throws CorruptionError.
[[nodiscard]] std::set<PackName> decode_damage(const Keys& keys, const ObjectName& name,
                                               BytesView object);

/// What all records say together.
struct DamageRecords {
    std::set<PackName> packs;
    std::vector<ObjectName> unreadable;  ///< Records that are damaged themselves.
};

/// For who must know when something is not known: a collector may count on a pack only if no record
/// speaks against it. @throws StorageError, Cancelled.
[[nodiscard]] DamageRecords read_all_damage_records(Repository& repository, std::stop_token stop);

/// For writers and readers. A record that cannot be read is logged and left out: then they take a
/// damaged pack for a good one, as they did before it was recorded.
/// @throws StorageError, Cancelled.
[[nodiscard]] std::set<PackName> read_damage_records(Repository& repository, std::stop_token stop);

/// For a collector: removes records that say nothing any more, since all that they name is on a
/// `removed` list. @return How many.
std::uint64_t remove_settled_damage_records(Repository& repository,
                                            const std::set<PackName>& removed,
                                            std::stop_token stop);

}  // namespace dbbackup
