#include "repository/synced_index.hpp"

#include "base/error.hpp"
#include "repository/index_objects.hpp"
#include "repository/keys.hpp"

namespace dbbackup {
SyncedIndex::SyncedIndex(Repository& repository, std::set<std::string> left_out,
                         std::chrono::milliseconds lock_patience)
    : repository_(repository),
      left_out_(std::move(left_out)),
      lock_patience_(lock_patience),
      place_(repository.local_index_file() ? Place::file : Place::temporary) {}

SyncedIndex::~SyncedIndex() = default;

std::set<std::string> SyncedIndex::sync(std::stop_token stop) {
    stop_ = std::move(stop);
    std::set<std::string> names;
    repository_.storage().list(
        ObjectPrefix("indexes"),
        [&](const ObjectInfo& info) {
            if (!left_out_.contains(info.name.text())) {
                names.insert(info.name.text());
            }
        },
        stop_);
    if (names.empty() && !index_) {
        return names;  // A new repository, or one of small runs: nothing to open a file for.
    }
    take_in(names);
    return names;
}

void SyncedIndex::take_in(const std::set<std::string>& names) {
    while (place_ != Place::nowhere) {
        try {
            if (!index_) {
                open();
            }
            const std::set<std::string> held = index_->objects();
            if (held == names) {
                return;
            }
            for (const std::string& name : names) {
                if (!held.contains(name)) {
                    read_object(name);
                }
            }
            index_->take_in(names);
            return;
        } catch (const OwnDatabaseError& error) {
            go_elsewhere(error);
        }
    }
}

void SyncedIndex::open() {
    std::unique_ptr<OwnDatabase> database;
    if (place_ == Place::temporary) {
        database = std::make_unique<OwnDatabase>(stop_);
    } else {
        const std::filesystem::path file = repository_.local_index_file().value();
        std::error_code ignored;  // SQLite will say that the file cannot be used.
        std::filesystem::create_directories(file.parent_path(), ignored);
        database = std::make_unique<OwnDatabase>(file, lock_patience_, stop_);
        if (place_ == Place::file_made_anew) {
            database->erase();
        }
    }
    const Keys& keys = repository_.keys();
    const Secret tag_key = derive_key(keys.master().bytes(), {}, "db-backup local index");
    index_ =
        std::make_unique<LocalIndex>(std::move(database), keys.repository_id(), tag_key.bytes());
}

void SyncedIndex::read_object(const std::string& name) {
    try {
        // Gone: a collector merged it into another one meanwhile.
        if (const auto object = read_index_object(repository_, ObjectName(name), stop_)) {
            index_->stage(name, object->packs);
        }
    } catch (const CorruptionError& error) {
        repository_.log().warning("an index cannot be read; chunks may be stored again",
                                  {{"object", name}, {"error", error.what()}});
    }
}

/// Damage is answered by making the file anew; any other trouble will be there again.
void SyncedIndex::go_elsewhere(const OwnDatabaseError& error) {
    index_.reset();
    place_ = place_ == Place::file && error.is_damage() ? Place::file_made_anew
             : place_ == Place::temporary               ? Place::nowhere
                                                        : Place::temporary;
    if (place_ == Place::nowhere) {
        repository_.log().warning("there is no room for a local index; chunks may be stored again",
                                  {{"error", error.what()}});
    } else {
        repository_.log().info("the local index is read anew", {{"error", error.what()}});
    }
}

void SyncedIndex::find(const ChunkId& id, unsigned depth_below, std::vector<ChunkPlace>& places) {
    const std::size_t before = places.size();
    while (index_) {
        try {
            index_->find(id, depth_below, places);
            return;
        } catch (const OwnDatabaseError& error) {
            places.erase(places.begin() + static_cast<std::ptrdiff_t>(before), places.end());
            go_elsewhere(error);
            sync(stop_);
        }
    }
}

void SyncedIndex::visit_packs(const std::function<void(const PackName&, std::uint64_t)>& visit) {
    if (index_) {
        index_->visit_packs(visit);
    }
}

}  // namespace dbbackup
