/// @file
/// For every object of a repository, removed, flipped or cut: what a repair says of it, what
/// restores afterwards, and what is whole again after the next backup of the same data.

#include "base/error.hpp"
#include "crash/damaged_repository.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace dbbackup {
namespace {

struct Way {
    const char* name;
    std::function<void(MemoryStorage& disk, const ObjectName& name)> damage;
    bool is_gone = false;
};

const std::vector<Way>& ways() {
    static const std::vector<Way> all = {
        {"removed", [](MemoryStorage& disk, const ObjectName& name) { disk.remove(name, {}); },
         true},
        {"flipped",
         [](MemoryStorage& disk, const ObjectName& name) {
             disk.damage(name, [](Bytes& content) { content.at(content.size() / 2) ^= 16U; });
         }},
        {"cut",
         [](MemoryStorage& disk, const ObjectName& name) {
             disk.damage(name, [](Bytes& content) { content.resize(content.size() / 2); });
         }},
    };
    return all;
}

/// How a kind of object is spoken of after a repair that may remove.
enum class Told : std::uint8_t { nothing, recorded, beyond_repair, removed };

struct Expectation {
    Told of_removed;  ///< Nothing: nobody can know that it was ever there, or it is not needed.
    Told of_damaged;
    std::size_t snapshots_lost;  ///< At most, for good.
};

const std::map<std::string, Expectation>& expectations() {
    static const std::map<std::string, Expectation> all = {
        {"runs", {Told::nothing, Told::nothing, 0}},
        {"indexes", {Told::nothing, Told::nothing, 0}},
        {"condemned", {Told::nothing, Told::removed, 0}},
        {"collections", {Told::nothing, Told::beyond_repair, 0}},
        {"damaged", {Told::nothing, Told::removed, 0}},
        {"manifests", {Told::nothing, Told::beyond_repair, 1}},
        {"packs", {Told::recorded, Told::recorded, 1}},
    };
    return all;
}

class RepairTable : public testing::TestWithParam<Encryption> {
protected:
    RepairTable() : all_(GetParam()) {}

    static bool names(const std::vector<std::string>& list, const ObjectName& name) {
        return std::find(list.begin(), list.end(), name.text()) != list.end();
    }

    /// Nothing is to be had before the object is put back.
    static void expect_closed(MemoryStorage& disk, const std::string& what) {
        EXPECT_THROW(static_cast<void>(open_repository(disk)), RepositoryError) << what;
    }

    void expect_told(const RepairReport& report, const ObjectName& name, Told told) {
        EXPECT_EQ(names(report.recorded, name), told == Told::recorded);
        EXPECT_EQ(names(report.removed, name), told == Told::removed);
        EXPECT_EQ(names(report.beyond_repair, name), told == Told::beyond_repair);
    }

    /// Whether a snapshot that stays needs the pack.
    bool is_needed(const ObjectName& pack) {
        const std::unique_ptr<MemoryStorage> disk = all_.disk.clone();
        disk->remove(pack, {});
        return restored_rightly(all_, *disk, "needed") < all_.contents.size();
    }

    void expect_repaired(const ObjectName& name, const Way& way, const Expectation& expected) {
        const std::unique_ptr<MemoryStorage> disk = all_.disk.clone();
        way.damage(*disk, name);
        const std::size_t before = restored_rightly(all_, *disk, "damaged");
        const bool is_pack = name.text().starts_with("packs/");
        const bool is_manifest = name.text().starts_with("manifests/");
        const RepairReport report = repair(*disk);
        Told told = way.is_gone ? expected.of_removed : expected.of_damaged;
        if (is_pack && way.is_gone && !is_needed(name)) {
            told = Told::nothing;
        }
        if (is_manifest && way.is_gone && names(report.beyond_repair, name)) {
            told = Told::beyond_repair;  // A later snapshot knows that it was there.
        }
        expect_told(report, name, told);
        EXPECT_EQ(restored_rightly(all_, *disk, "repaired"), before) << "no worse, and no better";
        EXPECT_EQ(report.losses.size() + before >= all_.contents.size() || is_manifest, true);

        const SnapshotId next = all_.back_up(*disk);
        EXPECT_EQ(restore(next, *disk), all_.shop.contents());
        const std::size_t healed = restored_rightly(all_, *disk, "healed");
        EXPECT_GE(healed, before);
        EXPECT_GE(healed + expected.snapshots_lost, all_.contents.size());
        if (!is_manifest) {
            EXPECT_EQ(restore(all_.taken.back(), *disk), all_.contents.at(all_.taken.back()))
                << "the database still has all of it";
        }
    }

    RepositoryOfAllKinds all_;
};

INSTANTIATE_TEST_SUITE_P(Encryptions, RepairTable,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(RepairTable, EveryObjectInEveryWay) {
    std::set<std::string> kinds;
    for (const auto& [text, content] : all_.disk.contents()) {
        const std::string kind = text.substr(0, text.find('/'));
        kinds.insert(kind);
        for (const Way& way : ways()) {
            SCOPED_TRACE(text + " " + way.name);
            if (kind == "config" || kind == "keys") {
                const std::unique_ptr<MemoryStorage> disk = all_.disk.clone();
                way.damage(*disk, ObjectName(text));
                expect_closed(*disk, text);
            } else {
                expect_repaired(ObjectName(text), way, expectations().at(kind));
            }
        }
    }
    std::set<std::string> expected = {"config"};
    for (const auto& [kind, expectation] : expectations()) {
        expected.insert(kind);
    }
    if (GetParam() != Encryption::none) {
        expected.insert("keys");
    }
    EXPECT_EQ(kinds, expected);
}

}  // namespace
}  // namespace dbbackup
