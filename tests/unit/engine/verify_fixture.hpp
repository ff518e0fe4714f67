#pragma once

/// @file
/// A repository to damage, and what `verify` must say then: for the tests of `verify`.

#include "base/error.hpp"
#include "engine/verify.hpp"
#include "repository/chunk_reader.hpp"
#include "repository/manifest.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {

inline constexpr std::uint32_t kVerifyPage = 512;
/// Enough chunks for an index object, and for a list that is stored apart.
inline constexpr std::uint64_t kVerifyPages = 1000;

/// Object, snapshots hit, harmless or not.
struct Found {
    std::string object;
    std::set<SnapshotId> snapshots;
    bool is_harmless = false;
    friend bool operator==(const Found&, const Found&) = default;
    friend auto operator<=>(const Found&, const Found&) = default;
};

inline void PrintTo(const Found& found, std::ostream* out) {
    *out << fmt::format("{} hits {}{}", found.object, found.snapshots.size(),
                        found.is_harmless ? " (harmless)" : "");
}

/// Three snapshots. The second one has a delta on a chunk of the first, the third one on another;
/// each has packs of its own: one of chunks, one of its segment list.
class VerifySample {
public:
    explicit VerifySample(Encryption encryption) {
        make_repository(disk, encryption);
        source.set_pages("main", page_like(1, kVerifyPages * kVerifyPage), kVerifyPage);
        take_snapshot();
        change_byte(500);
        take_snapshot();
        change_byte(600);
        take_snapshot();
    }

    MemoryStorage disk;
    SampleDatabase source;
    std::vector<SnapshotSummary> taken;
    std::map<SnapshotId, Contents> contents;

private:
    void take_snapshot() {
        taken.push_back(back_up(source, disk, {}, {.segment_pages = 1}).snapshot.summary);
        contents[taken.back().id] = source.contents();
    }
    void change_byte(std::uint64_t page) {
        const Bytes& content = source.streams().at("main").content;
        const auto begin = content.begin() + static_cast<std::ptrdiff_t>(page * kVerifyPage);
        Bytes changed(begin, begin + kVerifyPage);
        changed[100] ^= 1U;
        source.set_page("main", page, changed);
    }
};

/// Made once for each encryption; tests work on copies.
inline const VerifySample& verify_sample(Encryption encryption) {
    static const VerifySample plain(Encryption::none);
    static const VerifySample sealed(Encryption::keyfile);
    return encryption == Encryption::none ? plain : sealed;
}

class VerifyFixture : public testing::TestWithParam<Encryption> {
protected:
    [[nodiscard]] const SnapshotId& id(std::size_t number) const {
        return sample_.taken.at(number - 1).id;
    }
    [[nodiscard]] ObjectName manifest_name(std::size_t number) const {
        return manifest_object_name(sample_.taken.at(number - 1).source_id, id(number));
    }
    [[nodiscard]] std::unique_ptr<Manifest> manifest(std::size_t number) {
        return open_repository(disk_)->manifest(id(number), {});
    }
    /// The chunk of this page in a snapshot.
    [[nodiscard]] ChunkCopyPtr chunk(std::size_t number, std::uint64_t page) {
        return chunk_of(id(number), page);
    }
    [[nodiscard]] ChunkCopyPtr chunk_of(const SnapshotId& snapshot, std::uint64_t page) {
        const auto repository = open_repository(disk_);
        ChunkReader reader(repository->storage(), repository->keys());
        const auto manifest = repository->manifest(snapshot, {});
        const auto list =
            decode_chunk_list(reader.read(*manifest->streams.at(0).lists.at(0).chunk, {}));
        return list.at(page).chunks.at(0);
    }
    [[nodiscard]] ChunkCopyPtr list_chunk(std::size_t number) {
        return manifest(number)->streams.at(0).lists.at(0).chunk;
    }
    static ObjectName pack_of(const ChunkCopyPtr& copy) {
        return pack_object_name(copy->pack->name);
    }
    [[nodiscard]] std::vector<ObjectName> below(std::string_view folder) const {
        std::vector<ObjectName> names;
        for (const auto& [name, content] : disk_.contents()) {
            if (name.starts_with(folder)) {
                names.emplace_back(name);
            }
        }
        return names;
    }
    void flip(const ObjectName& name, std::size_t at) {
        disk_.damage(name, [at](Bytes& content) { content.at(at) ^= 4U; });
    }
    void swap(const ObjectName& one, const ObjectName& other) {
        Bytes held = disk_.contents().at(other.text());
        disk_.damage(one, [&](Bytes& content) { content.swap(held); });
        disk_.damage(other, [&](Bytes& content) { content.swap(held); });
    }

    /// What is found, several problems of one object as one. A problem without text is none.
    std::set<Found> found(VerifyDepth depth, Storage* disk = nullptr) {
        const VerifyReport report = dbbackup::verify(disk != nullptr ? *disk : disk_, depth);
        std::map<std::string, Found> all;
        for (const Finding& finding : report.findings) {
            EXPECT_FALSE(finding.problem.empty());
            Found& one = all[finding.object];
            one.object = finding.object;
            one.snapshots.insert(finding.snapshots.begin(), finding.snapshots.end());
            one.is_harmless = finding.is_harmless;
        }
        std::set<Found> result;
        for (const auto& [object, one] : all) {
            result.insert(one);
        }
        return result;
    }
    /// Found by both depths alike.
    void expect_found(const std::set<Found>& expected) {
        EXPECT_EQ(found(VerifyDepth::structure), expected);
        EXPECT_EQ(found(VerifyDepth::data), expected);
    }
    void expect_found_by_data_only(const std::set<Found>& expected) {
        EXPECT_EQ(found(VerifyDepth::structure), std::set<Found>{});
        EXPECT_EQ(found(VerifyDepth::data), expected);
    }
    /// Exactly these snapshots do not restore: what `verify` said is true.
    void expect_lost(const std::set<SnapshotId>& lost) {
        for (const SnapshotSummary& snapshot : sample_.taken) {
            bool is_lost = false;
            try {
                is_lost = restore(snapshot.id, disk_) != sample_.contents.at(snapshot.id);
            } catch (const Error&) {
                is_lost = true;
            }
            EXPECT_EQ(is_lost, lost.contains(snapshot.id)) << snapshot.sequence;
        }
    }

    const VerifySample& sample_ = verify_sample(GetParam());
    std::unique_ptr<MemoryStorage> copy_ = sample_.disk.clone();
    MemoryStorage& disk_ = *copy_;
};

}  // namespace dbbackup
