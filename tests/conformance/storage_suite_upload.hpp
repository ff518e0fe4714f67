#pragma once

/// @file
/// The part of the storage suite about objects that are written piece by piece.

#include "conformance/storage_suite.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace dbbackup {

/// Larger than two parts of every store, and no whole number of anything.
inline constexpr std::size_t kLargeUploadBytes = 17'000'003;

/// Writes in pieces whose sizes have nothing to do with parts or blocks.
inline void write_in_pieces(Upload& upload, BytesView content, std::size_t piece_bytes) {
    for (std::size_t at = 0; at < content.size(); at += piece_bytes) {
        upload.write(content.subspan(at, std::min(piece_bytes, content.size() - at)), {});
    }
}

TEST_P(StorageSuite, ShowsAnUploadWholeAtItsCommit) {
    const ObjectName name("archives/shop.gz");
    const Bytes content = sample(100'000);
    const std::unique_ptr<Upload> upload = storage_->begin_upload(name, {});
    upload->write({}, {});
    write_in_pieces(*upload, content, 7'777);
    EXPECT_EQ(storage_->get(name, {}), std::nullopt);
    EXPECT_EQ(names(), StorageNames{});
    EXPECT_EQ(upload->commit({}), PutResult::created);
    EXPECT_EQ(storage_->get(name, {}), content);
    EXPECT_EQ(storage_->size_bytes(name, {}), content.size());
    EXPECT_EQ(names(), StorageNames{"archives/shop.gz"});
}

TEST_P(StorageSuite, UploadsMoreThanOnePart) {
    const Bytes content = sample(kLargeUploadBytes);
    const ObjectName name("large");
    const std::unique_ptr<Upload> upload = storage_->begin_upload(name, {});
    // One piece is larger than a part, the others are smaller.
    upload->write(BytesView(content).first(9'500'000), {});
    write_in_pieces(*upload, BytesView(content).subspan(9'500'000), 1'234'567);
    EXPECT_EQ(names(), StorageNames{}) << "no part is an object";
    EXPECT_EQ(upload->commit({}), PutResult::created);
    // Not EXPECT_EQ: it would print 17 MB.
    EXPECT_TRUE(storage_->get(name, {}) == content);
    EXPECT_EQ(names(), StorageNames{"large"});
}

TEST_P(StorageSuite, UploadsWholePartsToTheByte) {
    for (const std::size_t size : {8_MiB, 16_MiB}) {
        const Bytes content = sample(size);
        const ObjectName name("whole/" + std::to_string(size));
        const std::unique_ptr<Upload> upload = storage_->begin_upload(name, {});
        upload->write(content, {});
        EXPECT_EQ(upload->commit({}), PutResult::created);
        EXPECT_TRUE(storage_->get(name, {}) == content) << size;
    }
}

TEST_P(StorageSuite, UploadsNothingAsAnEmptyObject) {
    EXPECT_EQ(storage_->begin_upload(ObjectName("empty"), {})->commit({}), PutResult::created);
    EXPECT_EQ(storage_->get(ObjectName("empty"), {}), Bytes{});
}

/// By the shortest of uploads: Azurite takes the blocks of an unfinished one for an object when
/// another puts one of that name.
inline PutResult upload_text(Storage& storage, const ObjectName& name, std::string_view text) {
    const std::unique_ptr<Upload> upload = storage.begin_upload(name, {});
    upload->write(as_bytes(text), {});
    return upload->commit({});
}

TEST_P(StorageSuite, NeverOverwritesByAnUpload) {
    const ObjectName name("taken");
    for (const std::size_t size : {std::size_t{1'000}, kLargeUploadBytes}) {
        SCOPED_TRACE(size);
        const Bytes content = sample(size);
        const std::unique_ptr<Upload> early = storage_->begin_upload(name, {});
        early->write(content, {});
        EXPECT_EQ(upload_text(*storage_, name, "first"), PutResult::created);
        EXPECT_EQ(storage_->put(name, as_bytes("second"), {}), PutResult::exists);
        EXPECT_EQ(early->commit({}), PutResult::exists);
        const std::unique_ptr<Upload> late = storage_->begin_upload(name, {});
        late->write(content, {});
        EXPECT_EQ(late->commit({}), PutResult::exists);
        EXPECT_EQ(as_text(storage_->get(name, {}).value()), "first");
        EXPECT_EQ(names(), StorageNames{"taken"});
        storage_->remove(name, {});
    }
}

TEST_P(StorageSuite, LetsAPutGoBeforeAnUpload) {
    const ObjectName name("put");
    const std::unique_ptr<Upload> upload = storage_->begin_upload(name, {});
    upload->write(as_bytes("late"), {});
    EXPECT_EQ(storage_->put(name, as_bytes("early"), {}), PutResult::created);
    EXPECT_EQ(upload->commit({}), PutResult::exists);
    EXPECT_EQ(as_text(storage_->get(name, {}).value()), "early");
}

TEST_P(StorageSuite, TellsTheSameContentOfAnotherUploadFromItsOwn) {
    const ObjectName name("same");
    const Bytes content = sample(kLargeUploadBytes);
    const std::unique_ptr<Upload> one = storage_->begin_upload(name, {});
    one->write(content, {});
    EXPECT_EQ(one->commit({}), PutResult::created);
    const std::unique_ptr<Upload> another = storage_->begin_upload(name, {});
    another->write(content, {});
    EXPECT_EQ(another->commit({}), PutResult::exists);
}

TEST_P(StorageSuite, LeavesNothingOfADroppedUpload) {
    {
        const std::unique_ptr<Upload> small = storage_->begin_upload(ObjectName("small"), {});
        small->write(as_bytes("x"), {});
        const std::unique_ptr<Upload> large = storage_->begin_upload(ObjectName("large"), {});
        large->write(sample(kLargeUploadBytes), {});
    }
    EXPECT_EQ(names(), StorageNames{});
    EXPECT_EQ(storage_->get(ObjectName("large"), {}), std::nullopt);
    // The names are as free as before.
    EXPECT_EQ(storage_->put(ObjectName("small"), as_bytes("y"), {}), PutResult::created);
    EXPECT_EQ(upload_text(*storage_, ObjectName("large"), "z"), PutResult::created);
}

TEST_P(StorageSuite, UploadsNothingOnceStopped) {
    std::stop_source source;
    source.request_stop();
    const std::unique_ptr<Upload> upload = storage_->begin_upload(ObjectName("stopped"), {});
    upload->write(as_bytes("a"), {});
    EXPECT_THROW(upload->write(as_bytes("b"), source.get_token()), Cancelled);
    EXPECT_THROW(upload->commit({}), StorageError) << "a piece is missing";
    EXPECT_THROW(storage_->end_abandoned_uploads({}, source.get_token()), Cancelled);
    EXPECT_EQ(names(), StorageNames{});
}

TEST_P(StorageSuite, LetsExactlyOneOfManyUploadsCreateAName) {
    constexpr int kUploads = 6;
    const ObjectName name("race");
    std::latch start(kUploads);
    std::atomic<int> winner{-1};
    std::atomic<int> created{0};
    {
        std::vector<std::jthread> threads;
        for (int racer = 0; racer < kUploads; ++racer) {
            threads.emplace_back([&, racer] {
                const std::unique_ptr<Upload> upload = storage_->begin_upload(name, {});
                // Half of them in one part, half in two.
                upload->write(
                    Bytes(racer % 2 == 0 ? 1'000 : 8_MiB + 1'000, static_cast<std::uint8_t>(racer)),
                    {});
                start.arrive_and_wait();
                if (upload->commit({}) == PutResult::created) {
                    ++created;
                    winner = racer;
                }
            });
        }
    }
    EXPECT_EQ(created, 1);
    EXPECT_EQ(storage_->get_range(name, {500, 1}, {}).value(),
              Bytes(1, static_cast<std::uint8_t>(winner.load())));
}

}  // namespace dbbackup
