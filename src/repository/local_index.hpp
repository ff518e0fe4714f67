#pragma once

/// @file
/// The local index: what index objects say, in a SQLite database on this machine, so that looking
/// a chunk up takes no request and no memory to speak of (docs/decisions/0010).
///
/// It may be lost, stale or damaged at any time: each entry carries a keyed hash over itself and
/// over the pack that it lies in, so what this answers is what an index object said.

#include "crypto/fingerprint.hpp"
#include "repository/chunk_place.hpp"
#include "repository/directory_record.hpp"
#include "sys/own_database.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace dbbackup {

/// The tables of one database. Not thread-safe. Everything throws OwnDatabaseError; an entry whose
/// hash is wrong, or a database of another repository, is one of those that are damage.
class LocalIndex {
public:
    /// @param database Is made ready: empty, or what a LocalIndex left.
    /// @param owner Whose it is; that of another owner is damaged.
    /// @param tag_key 32 bytes, for the hashes.
    LocalIndex(std::unique_ptr<OwnDatabase> database, std::string owner, BytesView tag_key);
    ~LocalIndex();
    LocalIndex(const LocalIndex&) = delete;
    LocalIndex& operator=(const LocalIndex&) = delete;

    /// Names of the index objects whose packs this holds.
    [[nodiscard]] std::set<std::string> objects();

    /// Notes what an index object says; `take_in` makes it count.
    void stage(const std::string& object, const std::vector<IndexedPack>& packs);
    /// From here on exactly the objects of these names count: those that were staged, and those
    /// that were there. All at once: a process that dies meanwhile leaves the old state.
    void take_in(const std::set<std::string>& objects);
    /// Adds a pack that no object names, to a database that nobody else uses.
    void add(const IndexedPack& pack);

    /// Appends the places of a chunk whose depth is smaller, the shallowest first.
    void find(const ChunkId& id, unsigned depth_below, std::vector<ChunkPlace>& places);
    /// Calls `visit` for each pack that counts, with the number of its entries.
    void visit_packs(const std::function<void(const PackName&, std::uint64_t)>& visit);

private:
    struct Staging;

    void prepare_tables();
    void begin_staging();
    void match_packs();
    void forget_dead();
    [[nodiscard]] std::int64_t tag_of(const PackEntry& entry, const PackName& name,
                                      const Digest& salt);
    [[nodiscard]] ChunkPlace place_of(const ChunkId& id, OwnStatement& row);

    [[nodiscard]] OwnStatement entry_insertion(const std::string& table);
    void insert_entries(OwnStatement& insertion, const IndexedPack& pack, std::int64_t number);

    std::string owner_;
    Fingerprinter fingerprinter_;
    std::unique_ptr<OwnDatabase> database_;
    std::unique_ptr<Staging> staging_;
    std::optional<OwnStatement> find_;
    std::optional<OwnStatement> add_entry_;
    Bytes tagged_;  ///< Scratch.
    /// By number; entries of one pack share it. Forgotten when there are many.
    std::unordered_map<std::int64_t, std::shared_ptr<const PackIdentity>> identities_;
};

}  // namespace dbbackup
