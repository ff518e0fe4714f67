/// @file
/// How an object is cut into parts, and what is taken of a write that failed.

#include "storage/parted_upload.hpp"

#include "base/units.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

/// Parts are lists of texts; those of the numbers in `failures` fail so often.
class TextUpload final : public PartedUpload {
public:
    explicit TextUpload(std::map<std::size_t, int> failures = {}, std::size_t part_bytes = 4)
        : PartedUpload(ObjectName("text"), {.bytes_min = part_bytes, .count_max = 0}),
          failures_(std::move(failures)) {}

    std::vector<std::string> parts;

private:
    void send_part(BytesView part, const std::stop_token& /*stop*/) override {
        if (failures_[parts.size()]-- > 0) {
            throw StorageError("no answer", Retry::may_help);
        }
        parts.emplace_back(as_text(part));
    }

    PutResult finish(BytesView rest, const std::stop_token& stop) override {
        send_part(rest, stop);
        return PutResult::created;
    }

    std::map<std::size_t, int> failures_;
};

using Parts = std::vector<std::string>;

TEST(PartedUpload, CutsPiecesOfAnySizeIntoParts) {
    TextUpload upload;
    for (const char* piece : {"a", "", "bc", "defghijklm", "n"}) {
        upload.write(as_bytes(piece), {});
    }
    EXPECT_EQ(upload.commit({}), PutResult::created);
    EXPECT_EQ(upload.parts, (Parts{"abcd", "efgh", "ijkl", "mn"}));
}

TEST(PartedUpload, KeepsTheLastPartForTheEnd) {
    TextUpload upload;
    upload.write(as_bytes("abcdefgh"), {});
    EXPECT_EQ(upload.parts, Parts{"abcd"});
    upload.commit({});
    EXPECT_EQ(upload.parts, (Parts{"abcd", "efgh"}));
}

TEST(PartedUpload, GoesOnWhereAWriteStopped) {
    TextUpload upload({{0, 1}, {1, 2}, {2, 1}});
    upload.write(as_bytes("ab"), {});
    for (int failed = 0; failed < 3; ++failed) {
        EXPECT_THROW(upload.write(as_bytes("cdefghijk"), {}), StorageError);
    }
    upload.write(as_bytes("cdefghijk"), {});
    EXPECT_THROW(upload.commit({}), StorageError);
    EXPECT_EQ(upload.commit({}), PutResult::created);
    EXPECT_EQ(upload.parts, (Parts{"abcd", "efgh", "ijk"}));
}

TEST(PartedUpload, MakesNoObjectThatLacksAPiece) {
    TextUpload upload(std::map<std::size_t, int>{{0, 1}});
    EXPECT_THROW(upload.write(as_bytes("abcde"), {}), StorageError);
    EXPECT_THROW(upload.commit({}), StorageError);
    EXPECT_THROW(upload.write(as_bytes("x"), {}), StorageError);
    EXPECT_TRUE(upload.parts.empty());
}

/// A part of this size is no longer in memory.
TEST(PartedUpload, KeepsLargePartsWholeInAFile) {
    TextUpload upload({}, 40_MiB);
    std::string whole;
    for (int piece = 0; piece < 45; ++piece) {
        const std::string text(1_MiB, static_cast<char>('A' + piece));
        upload.write(as_bytes(text), {});
        whole += text;
    }
    upload.commit({});
    ASSERT_EQ(upload.parts.size(), 2U);
    EXPECT_EQ(upload.parts[0].size(), 40_MiB);
    EXPECT_TRUE(upload.parts[0] + upload.parts[1] == whole);
}

struct Sent {
    std::uint64_t bytes = 0;
    std::size_t largest = 0;
};

Sent all_parts(const PartSizes& sizes) {
    Sent sent;
    for (std::uint32_t part = 0; part < sizes.count_max; ++part) {
        sent.largest = part_bytes(sizes, sent.bytes);
        sent.bytes += sent.largest;
    }
    return sent;
}

TEST(PartSizes, AnObjectMayBeAsLargeAsStoresTakeThem) {
    const Sent s3 = all_parts({.bytes_min = 8_MiB, .count_max = 10'000, .bytes_max = 5_GiB});
    EXPECT_GT(s3.bytes, 5'120_GiB);
    EXPECT_EQ(s3.largest, 5_GiB);
    const Sent azure = all_parts({.bytes_min = 8_MiB, .count_max = 50'000, .bytes_max = 4'000_MiB});
    EXPECT_GT(azure.bytes, 5'120_GiB);
    EXPECT_EQ(azure.largest, 4'000_MiB);
}

TEST(PartSizes, GrowOnlyWithTheObject) {
    const PartSizes sizes{.bytes_min = 8_MiB, .count_max = 10'000};
    EXPECT_EQ(part_bytes(sizes, 0), 8_MiB);
    EXPECT_EQ(part_bytes(sizes, 10'000_MiB), 8_MiB);
    EXPECT_EQ(part_bytes(sizes, 10'001_MiB), 9_MiB);
    EXPECT_EQ(part_bytes(sizes, 100'000_MiB), 80_MiB);
    EXPECT_LE(part_bytes(sizes, 5'120_GiB), 5_GiB) << "the largest part of S3";
    EXPECT_EQ(part_bytes({.bytes_min = 8_MiB, .count_max = 0}, 5'120_GiB), 8_MiB);
}

}  // namespace
}  // namespace dbbackup
