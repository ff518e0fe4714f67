#include "repository/local_index.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// Changes with the tables; a file of another one is made anew.
constexpr int kSchemaVersion = 1;
/// "DBBi", so that no other program's file is taken for ours.
constexpr int kApplicationId = 0x44424269;
/// What SQLite keeps in memory of the file, and of what it sorts, in KiB. The system's cache of
/// files does the rest.
constexpr int kCacheKib = 12 * 1024;
constexpr std::size_t kIdentitiesMax = 4096;
/// Entries of packs that are gone are taken out when they are more than the others and than this.
constexpr std::int64_t kDeadEntriesMin = 10'000;

constexpr const char* kTables = R"(
CREATE TABLE owner(id TEXT NOT NULL, entries INTEGER NOT NULL);
CREATE TABLE objects(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE packs(number INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE,
                   salt BLOB NOT NULL, entries INTEGER NOT NULL);
CREATE TABLE object_packs(object INTEGER NOT NULL, pack INTEGER NOT NULL,
                          PRIMARY KEY(object, pack)) WITHOUT ROWID;
CREATE TABLE entries(id BLOB NOT NULL, pack INTEGER NOT NULL, ordinal INTEGER NOT NULL,
                     place INTEGER NOT NULL, sealed INTEGER NOT NULL, plain INTEGER NOT NULL,
                     codec INTEGER NOT NULL, depth INTEGER NOT NULL, generation INTEGER NOT NULL,
                     bases BLOB, tag INTEGER NOT NULL,
                     PRIMARY KEY(id, pack, ordinal)) WITHOUT ROWID;
)";

constexpr const char* kStagingTables = R"(
CREATE TEMP TABLE IF NOT EXISTS listed(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS staged_objects(name TEXT NOT NULL, pack BLOB NOT NULL);
CREATE TEMP TABLE IF NOT EXISTS staged_packs(staged INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE,
                               salt BLOB NOT NULL, entries INTEGER NOT NULL, number INTEGER);
CREATE TEMP TABLE IF NOT EXISTS staged_entries(id BLOB, pack INTEGER, ordinal INTEGER,
                                 place INTEGER, sealed INTEGER, plain INTEGER, codec INTEGER,
                                 depth INTEGER, generation INTEGER, bases BLOB, tag INTEGER);
DELETE FROM listed; DELETE FROM staged_objects; DELETE FROM staged_packs;
DELETE FROM staged_entries;
)";

[[noreturn]] void damaged(const char* what) {
    throw OwnDatabaseError::damage(fmt::format("the local index is damaged: {}", what));
}

Digest digest_of(BytesView bytes) {
    Digest digest{};
    if (bytes.size() != digest.size()) {
        damaged("a name has another length");
    }
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
}

void append_number(Bytes& out, std::uint64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        out.push_back(static_cast<std::uint8_t>(number >> shift));
    }
}

Bytes joined(const std::vector<ChunkId>& ids) {
    Bytes bytes;
    for (const ChunkId& id : ids) {
        bytes.insert(bytes.end(), id.bytes.begin(), id.bytes.end());
    }
    return bytes;
}

std::uint32_t small(std::int64_t number) { return static_cast<std::uint32_t>(number); }

}  // namespace

/// The statements that fill the staging tables.
struct LocalIndex::Staging {
    OwnStatement known_pack;
    OwnStatement add_object;
    OwnStatement add_pack;
    OwnStatement add_entry;
};

LocalIndex::LocalIndex(std::unique_ptr<OwnDatabase> database, std::string owner, BytesView tag_key)
    : owner_(std::move(owner)), fingerprinter_(tag_key), database_(std::move(database)) {
    database_->execute(
        fmt::format("PRAGMA temp_store=FILE; PRAGMA main.cache_size=-{0}; "
                    "PRAGMA temp.cache_size=-{0}",
                    kCacheKib));
    prepare_tables();
}

LocalIndex::~LocalIndex() = default;

void LocalIndex::prepare_tables() {
    const auto is_new = [this] {
        return database_->integer("SELECT count(*) FROM sqlite_schema") == 0;
    };
    if (is_new()) {
        // Whoever reads is not held up by who writes. Refused where there is no file: no matter.
        database_->execute("PRAGMA journal_mode=WAL");
        database_->execute("PRAGMA journal_size_limit=4194304");
        OwnTransaction transaction(*database_);
        if (is_new()) {  // Another process may have been faster.
            database_->execute(kTables);
            database_->execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}",
                                           kApplicationId, kSchemaVersion));
            database_->prepare("INSERT INTO owner VALUES(?, 0)")
                .bind(0, std::string_view(owner_))
                .run();
        }
        transaction.commit();
    }
    // In the write-ahead log this costs no waiting for the disk, and a crash costs the newest part.
    database_->execute("PRAGMA synchronous=NORMAL");
    OwnStatement owner = database_->prepare("SELECT id FROM owner");
    if (database_->integer("PRAGMA application_id") != kApplicationId ||
        database_->integer("PRAGMA user_version") != kSchemaVersion || !owner.step() ||
        owner.text(0) != owner_) {
        damaged("it is another program's, version's or repository's");
    }
}

std::set<std::string> LocalIndex::objects() {
    std::set<std::string> names;
    OwnStatement rows = database_->prepare("SELECT name FROM objects");
    while (rows.step()) {
        names.insert(rows.text(0));
    }
    return names;
}

void LocalIndex::begin_staging() {
    database_->execute(kStagingTables);
    staging_ = std::make_unique<Staging>(
        Staging{database_->prepare("SELECT 1 FROM main.packs WHERE name = ?1 UNION ALL "
                                   "SELECT 1 FROM temp.staged_packs WHERE name = ?1"),
                database_->prepare("INSERT INTO temp.staged_objects VALUES(?, ?)"),
                database_->prepare("INSERT INTO temp.staged_packs(staged, name, salt, entries) "
                                   "VALUES(?, ?, ?, ?)"),
                entry_insertion("temp.staged_entries")});
}

void LocalIndex::stage(const std::string& object, const std::vector<IndexedPack>& packs) {
    if (!staging_) {
        begin_staging();
    }
    // One transaction for all rows; of the temporary database, so no other process is held up.
    database_->execute("BEGIN");
    try {
        std::int64_t staged = database_->integer("SELECT max(staged) FROM temp.staged_packs");
        if (packs.empty()) {
            staging_->add_object.bind(0, std::string_view(object)).bind(1, BytesView{}).run();
        }
        for (const IndexedPack& pack : packs) {
            const BytesView name(pack.name.bytes);
            staging_->add_object.bind(0, std::string_view(object)).bind(1, name).run();
            const bool is_known = staging_->known_pack.bind(0, name).step();
            staging_->known_pack.reset();
            if (is_known) {
                continue;  // A pack's name is that of its content.
            }
            ++staged;
            staging_->add_pack.bind(0, staged)
                .bind(1, name)
                .bind(2, BytesView(pack.salt))
                .bind(3, static_cast<std::int64_t>(pack.entries.size()))
                .run();
            insert_entries(staging_->add_entry, pack, staged);
        }
        database_->execute("COMMIT");
    } catch (...) {
        staging_.reset();
        try {
            database_->execute("ROLLBACK");
        } catch (const OwnDatabaseError&) {
            // SQLite has undone it by itself.
        }
        throw;
    }
}

OwnStatement LocalIndex::entry_insertion(const std::string& table) {
    return database_->prepare(fmt::format("INSERT INTO {} VALUES(?,?,?,?,?,?,?,?,?,?,?)", table));
}

void LocalIndex::insert_entries(OwnStatement& insertion, const IndexedPack& pack,
                                std::int64_t number) {
    for (const PackEntry& entry : pack.entries) {
        const Bytes bases = joined(entry.form.base_ids);
        insertion.bind(0, BytesView(entry.form.id.bytes))
            .bind(1, number)
            .bind(2, std::int64_t{entry.ordinal})
            .bind(3, static_cast<std::int64_t>(entry.offset_bytes))
            .bind(4, std::int64_t{entry.sealed_bytes})
            .bind(5, std::int64_t{entry.form.plain_bytes})
            .bind(6, static_cast<std::int64_t>(entry.form.codec))
            .bind(7, std::int64_t{entry.form.depth})
            .bind(8, std::int64_t{entry.form.generation})
            .bind(9, BytesView(bases))
            .bind(10, tag_of(entry, pack.name, pack.salt))
            .run();
    }
}

void LocalIndex::add(const IndexedPack& pack) {
    if (!add_entry_) {
        add_entry_ = entry_insertion("main.entries");
    }
    OwnTransaction transaction(*database_);
    database_->prepare("INSERT INTO packs(name, salt, entries) VALUES(?, ?, ?)")
        .bind(0, BytesView(pack.name.bytes))
        .bind(1, BytesView(pack.salt))
        .bind(2, static_cast<std::int64_t>(pack.entries.size()))
        .run();
    // In order of ids, so that each page of a large table is written once for a pack.
    IndexedPack sorted = pack;
    std::sort(
        sorted.entries.begin(), sorted.entries.end(),
        [](const PackEntry& left, const PackEntry& right) { return left.form.id < right.form.id; });
    insert_entries(*add_entry_, sorted, database_->integer("SELECT last_insert_rowid()"));
    transaction.commit();
}

void LocalIndex::take_in(const std::set<std::string>& objects) {
    if (!staging_) {
        begin_staging();
    }
    OwnTransaction transaction(*database_);
    OwnStatement list = database_->prepare("INSERT INTO temp.listed VALUES(?)");
    for (const std::string& name : objects) {
        list.bind(0, std::string_view(name)).run();
    }
    database_->execute("DELETE FROM main.objects WHERE name NOT IN (SELECT name FROM temp.listed)");
    const bool have_gone = database_->integer("SELECT changes()") != 0;
    database_->execute(
        "INSERT OR IGNORE INTO main.objects(name) SELECT DISTINCT name FROM temp.staged_objects");
    match_packs();
    // Sorted, so that each page of a large index is written once.
    database_->execute(
        "INSERT INTO main.entries SELECT e.id, p.number, e.ordinal, e.place, e.sealed, e.plain, "
        "e.codec, e.depth, e.generation, e.bases, e.tag FROM temp.staged_entries e "
        "JOIN temp.staged_packs p ON p.staged = e.pack WHERE p.number IS NOT NULL ORDER BY 1, 2, 3;"
        "UPDATE main.owner SET entries = entries + "
        "(SELECT coalesce(sum(entries), 0) FROM temp.staged_packs WHERE number IS NOT NULL);"
        "INSERT OR IGNORE INTO main.object_packs SELECT o.number, p.number "
        "FROM temp.staged_objects s JOIN main.objects o ON o.name = s.name "
        "JOIN main.packs p ON p.name = s.pack;");
    if (have_gone) {
        forget_dead();
    }
    transaction.commit();
    staging_.reset();
    identities_.clear();
    database_->execute(kStagingTables);
}

/// Gives new packs their numbers. A pack that another process took in meanwhile is left out.
void LocalIndex::match_packs() {
    OwnStatement packs = database_->prepare("SELECT staged, name, salt, entries FROM staged_packs");
    OwnStatement known = database_->prepare("SELECT 1 FROM main.packs WHERE name = ?");
    OwnStatement add =
        database_->prepare("INSERT INTO main.packs(name, salt, entries) VALUES(?, ?, ?)");
    OwnStatement number = database_->prepare(
        "UPDATE temp.staged_packs SET number = last_insert_rowid() WHERE staged = ?");
    while (packs.step()) {
        const bool is_known = known.bind(0, packs.bytes(1)).step();
        known.reset();
        if (!is_known) {
            add.bind(0, packs.bytes(1)).bind(1, packs.bytes(2)).bind(2, packs.integer(3)).run();
            number.bind(0, packs.integer(0)).run();
        }
    }
    // A pack that was known when its object was read, and that another process forgot since: the
    // object is read again next time.
    database_->execute(
        "DELETE FROM main.objects WHERE name IN (SELECT s.name FROM temp.staged_objects s "
        "LEFT JOIN main.packs p ON p.name = s.pack WHERE p.number IS NULL AND length(s.pack) > 0)");
}

/// Objects that have gone, and packs that no object names any more.
void LocalIndex::forget_dead() {
    database_->execute(
        "DELETE FROM object_packs WHERE object NOT IN (SELECT number FROM objects);"
        "DELETE FROM packs WHERE number NOT IN (SELECT pack FROM object_packs);");
    const std::int64_t alive = database_->integer("SELECT sum(entries) FROM packs");
    const std::int64_t dead = database_->integer("SELECT entries FROM owner") - alive;
    if (dead > std::max(alive, kDeadEntriesMin)) {
        database_->execute(
            "DELETE FROM entries WHERE pack NOT IN (SELECT number FROM packs);"
            "UPDATE owner SET entries = (SELECT count(*) FROM entries)");
    }
}

void LocalIndex::find(const ChunkId& id, unsigned depth_below, std::vector<ChunkPlace>& places) {
    if (!find_) {
        find_ = database_->prepare(
            "SELECT e.pack, e.ordinal, e.place, e.sealed, e.plain, e.codec, e.depth, "
            "e.generation, e.bases, e.tag, p.name, p.salt FROM entries e "
            "JOIN packs p ON p.number = e.pack WHERE e.id = ? AND e.depth < ? "
            "ORDER BY e.depth, e.pack");
    }
    find_->bind(0, BytesView(id.bytes)).bind(1, std::int64_t{depth_below});
    try {
        while (find_->step()) {
            places.push_back(place_of(id, *find_));
        }
    } catch (...) {
        find_->reset();
        throw;
    }
    find_->reset();
}

ChunkPlace LocalIndex::place_of(const ChunkId& id, OwnStatement& row) {
    ChunkPlace place;
    PackEntry& entry = place.entry;
    entry.form.id = id;
    entry.ordinal = small(row.integer(1));
    entry.offset_bytes = static_cast<std::uint64_t>(row.integer(2));
    entry.sealed_bytes = small(row.integer(3));
    entry.form.plain_bytes = small(row.integer(4));
    entry.form.codec = static_cast<Codec>(row.integer(5));
    entry.form.depth = static_cast<std::uint8_t>(row.integer(6));
    entry.form.generation = small(row.integer(7));
    BytesView bases = row.bytes(8);
    for (; bases.size() >= sizeof(Digest); bases = bases.subspan(sizeof(Digest))) {
        entry.form.base_ids.push_back(ChunkId{digest_of(bases.first(sizeof(Digest)))});
    }
    const PackName name{digest_of(row.bytes(10))};
    const Digest salt = digest_of(row.bytes(11));
    if (tag_of(entry, name, salt) != row.integer(9)) {
        damaged("an entry is not what was written");
    }
    if (identities_.size() >= kIdentitiesMax) {
        identities_.clear();
    }
    std::shared_ptr<const PackIdentity>& identity = identities_[row.integer(0)];
    if (!identity || identity->name != name || identity->salt != salt) {
        auto made = std::make_shared<PackIdentity>();
        made->name = name;
        made->salt = salt;
        made->is_stored = true;
        identity = std::move(made);
    }
    place.pack = identity;
    return place;
}

/// Keyed, so that no fault and no foreign row gives the right one by chance, whatever it holds.
std::int64_t LocalIndex::tag_of(const PackEntry& entry, const PackName& name, const Digest& salt) {
    tagged_.clear();
    tagged_.insert(tagged_.end(), entry.form.id.bytes.begin(), entry.form.id.bytes.end());
    tagged_.insert(tagged_.end(), name.bytes.begin(), name.bytes.end());
    tagged_.insert(tagged_.end(), salt.begin(), salt.end());
    for (const std::uint64_t number :
         {std::uint64_t{entry.ordinal}, entry.offset_bytes, std::uint64_t{entry.sealed_bytes},
          std::uint64_t{entry.form.plain_bytes}, static_cast<std::uint64_t>(entry.form.codec),
          std::uint64_t{entry.form.depth}, std::uint64_t{entry.form.generation}}) {
        append_number(tagged_, number);
    }
    for (const ChunkId& base : entry.form.base_ids) {
        tagged_.insert(tagged_.end(), base.bytes.begin(), base.bytes.end());
    }
    return static_cast<std::int64_t>(fingerprinter_.of(tagged_, 0).low);
}

void LocalIndex::visit_packs(const std::function<void(const PackName&, std::uint64_t)>& visit) {
    OwnStatement rows = database_->prepare("SELECT name, entries FROM packs");
    while (rows.step()) {
        visit(PackName{digest_of(rows.bytes(0))}, static_cast<std::uint64_t>(rows.integer(1)));
    }
}

}  // namespace dbbackup
