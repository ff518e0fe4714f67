#pragma once

/// @file
/// The local index of a repository, made to say what its index objects say: from a file in the
/// cache folder, or without one from a temporary database. It answers or it does not; it never
/// fails because of what is on this machine.

#include "repository/local_index.hpp"
#include "repository/repository.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// Not thread-safe. Nothing is opened or read before `sync`.
class SyncedIndex {
public:
    /// @param repository Borrowed.
    /// @param left_out Names of index objects that count as gone.
    /// @param lock_patience How long another process is waited for that writes the file: while it
    /// reads all indexes of a large repository. One that is stopped holds its lock for ever.
    SyncedIndex(Repository& repository, std::set<std::string> left_out,
                std::chrono::milliseconds lock_patience = std::chrono::seconds(10));
    ~SyncedIndex();
    SyncedIndex(const SyncedIndex&) = delete;
    SyncedIndex& operator=(const SyncedIndex&) = delete;

    /// Lists the index objects and reads those that this machine has not read yet. What cannot be
    /// read is logged and left out.
    /// @return The names that were listed. @throws StorageError, Cancelled.
    std::set<std::string> sync(std::stop_token stop);

    /// Appends the places of a chunk, as `LocalIndex::find` does. A local index that turns out to
    /// be damaged is made anew first. @throws StorageError, Cancelled.
    void find(const ChunkId& id, unsigned depth_below, std::vector<ChunkPlace>& places);
    /// As `LocalIndex::visit_packs`.
    void visit_packs(const std::function<void(const PackName&, std::uint64_t)>& visit);

private:
    /// Where the database is; what fails at one place is tried at the next.
    enum class Place : std::uint8_t { file, file_made_anew, temporary, nowhere };

    void open();
    void take_in(const std::set<std::string>& names);
    void read_object(const std::string& name);
    void go_elsewhere(const OwnDatabaseError& error);

    Repository& repository_;
    std::set<std::string> left_out_;
    std::chrono::milliseconds lock_patience_;
    std::stop_token stop_;
    Place place_;
    std::unique_ptr<LocalIndex> index_;  ///< Null: before `sync`, or nothing is to be found.
};

}  // namespace dbbackup
