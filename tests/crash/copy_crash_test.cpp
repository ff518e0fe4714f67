/// @file
/// A copy may end at any moment, and either of its stores may: what the target shows then restores,
/// and the next copy completes it.
///
/// Method: as in backup_crash_test.cpp.

#include "base/error.hpp"
#include "support/crashing_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_copy.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>

namespace dbbackup {
namespace {

constexpr std::uint32_t kOperationsMax = 10'000;

SampleDatabase monday() { return sample_shop(64, 20'000, 100); }

SampleDatabase tuesday() {
    SampleDatabase shop = monday();
    shop.set_page("pages", 40, page_like(140, 4096));
    shop.set_row("orders", 77, "changed\n");
    return shop;
}

using FirstFailure = CrashingStorage::FirstFailure;

class CopyDies : public testing::TestWithParam<std::tuple<Encryption, FirstFailure>> {
protected:
    CopyDies() {
        make_repository(source_,
                        encryption() == Encryption::none ? Encryption::keyfile : Encryption::none);
        contents_[back_up(monday(), source_).snapshot.summary.sequence] = monday().contents();
        contents_[back_up(tuesday(), source_).snapshot.summary.sequence] = tuesday().contents();
        make_repository(empty_, encryption());
    }

    [[nodiscard]] static Encryption encryption() { return std::get<Encryption>(GetParam()); }

    static CrashingStorage dying(MemoryStorage& disk, std::uint32_t survived) {
        return {disk, survived, {CrashingStorage::Counts::all, std::get<FirstFailure>(GetParam())}};
    }

    /// @return How many snapshots there are; each is what it was at the source.
    std::size_t expect_whole(MemoryStorage& target) {
        const VerifyReport report = verify(target, VerifyDepth::data);
        EXPECT_TRUE(std::ranges::all_of(report.findings, &Finding::is_harmless))
            << findings_text(report);
        const std::vector<SnapshotSummary> visible = snapshots(target);
        for (const SnapshotSummary& each : visible) {
            EXPECT_EQ(restore(each.id, target), contents_.at(each.sequence));
        }
        return visible.size();
    }

    /// @param copy_and_die Returns whether it got through.
    void crash_everywhere(
        const std::function<bool(MemoryStorage& target, std::uint32_t survived)>& copy_and_die) {
        for (std::uint32_t survived = 0; survived < kOperationsMax; ++survived) {
            SCOPED_TRACE(testing::Message() << "it dies after operation " << survived);
            const std::unique_ptr<MemoryStorage> target = empty_.clone();
            const bool finished = copy_and_die(*target, survived);
            const std::size_t visible = expect_whole(*target);
            const CopyReport next = copy_between(source_, *target);
            EXPECT_EQ(std::ranges::count(next.snapshots, true, &CopiedSnapshot::was_there),
                      static_cast<std::ptrdiff_t>(visible));
            EXPECT_EQ(expect_whole(*target), contents_.size());
            if (finished) {
                EXPECT_EQ(visible, contents_.size());
                EXPECT_GT(survived, 10U);
                return;
            }
        }
        FAIL() << "the copy still dies after " << kOperationsMax << " operations";
    }

    MemoryStorage source_;
    MemoryStorage empty_;
    std::map<std::uint64_t, Contents> contents_;  ///< By sequence.
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, CopyDies,
    testing::Combine(testing::Values(Encryption::none, Encryption::keyfile),
                     testing::Values(FirstFailure::not_done, FirstFailure::done)),
    [](const auto& kind) {
        return std::string(std::get<0>(kind.param) == Encryption::none ? "Unencrypted"
                                                                       : "Encrypted") +
               (std::get<1>(kind.param) == FirstFailure::done ? "AnswerLost" : "NotDone");
    });

TEST_P(CopyDies, WithItsTarget) {
    crash_everywhere([this](MemoryStorage& disk, std::uint32_t survived) {
        CrashingStorage target = dying(disk, survived);
        try {
            copy_between(source_, target);
            return true;
        } catch (const StorageError&) {
            return false;
        }
    });
}

TEST_P(CopyDies, WithItsSource) {
    crash_everywhere([this](MemoryStorage& target, std::uint32_t survived) {
        CrashingStorage source = dying(source_, survived);
        try {
            copy_between(source, target);
            return true;
        } catch (const StorageError&) {
            return false;
        }
    });
}

}  // namespace
}  // namespace dbbackup
