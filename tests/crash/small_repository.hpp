#pragma once

/// @file
/// A repository of a few kilobytes to damage, and what must hold whatever was done to it.

#include "base/error.hpp"
#include "repository/snapshot_writer.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace dbbackup {

/// Has every kind of object that small backups write: packs of new and of delta chunks, manifests,
/// runs, the index of a run that died, whose pack the next ones use, and for encrypted ones a key
/// slot.
class SmallRepository : public testing::TestWithParam<Encryption> {
protected:
    SmallRepository() {
        constexpr std::uint32_t kPageBytes = 512;
        make_repository(disk_, GetParam());
        SampleDatabase shop;
        shop.set_pages("pages", page_like(1, 8 * kPageBytes), kPageBytes);
        shop.set_opaque("script", page_like(2, 300));
        shop.set_row("orders", 1, "first\n");
        die_after_storing(page_like(2, 300));
        back_up_shop(shop);
        shop.set_page("pages", 2, page_like(3, kPageBytes));
        back_up_shop(shop);
        healthy_ = disk_.contents();
    }

    /// Between places that are damaged.
    static std::size_t step() {
        const char* const value = std::getenv("DB_BACKUP_LONG");  // NOLINT(concurrency-mt-unsafe)
        return value != nullptr && std::string_view(value) == "1" ? 1 : 3;
    }

    /// Whether damage to `name` is told: by `verify`, or because the repository does not open.
    testing::AssertionResult is_told(const std::string& name) {
        try {
            const VerifyReport report = verify(disk_, VerifyDepth::data);
            const bool is_named =
                std::any_of(report.findings.begin(), report.findings.end(),
                            [&](const Finding& found) { return found.object == name; });
            return is_named ? testing::AssertionSuccess()
                            : testing::AssertionFailure() << "not named; found:\n"
                                                          << findings_text(report);
        } catch (const RepositoryError& error) {
            // What stands before everything else, and is read before anything can be verified.
            return name == "config" || name.starts_with("keys/")
                       ? testing::AssertionSuccess()
                       : testing::AssertionFailure() << error.what();
        }
    }

    /// Each snapshot gives back its contents or an error. @return How many restored.
    std::size_t expect_never_wrong(const std::string& what) {
        std::size_t restored = 0;
        for (const auto& [id, expected] : contents_) {
            try {
                EXPECT_EQ(restore(id, disk_), expected) << what;
                ++restored;
            } catch (const Error&) {
                // An error is what damage should give.
            }
        }
        return restored;
    }

    MemoryStorage disk_;
    std::map<std::string, Bytes> healthy_;
    std::map<SnapshotId, Contents> contents_;

private:
    void die_after_storing(const Bytes& chunk) {
        const auto repository = open_repository(disk_);
        const FakeClock clock;
        SnapshotWriter run(*repository, clock, "backup", SourceId(16, 'd'), {});
        ChunkForm form;
        form.id = repository->keys().chunk_id(chunk);
        form.plain_bytes = static_cast<std::uint32_t>(chunk.size());
        run.add(std::move(form), chunk, {});
        run.flush();
    }
    void back_up_shop(const SampleDatabase& shop) {
        contents_[back_up(shop, disk_).snapshot.summary.id] = shop.contents();
    }
};

}  // namespace dbbackup
