/// @file
/// Resumable uploads against a server that answers as Google documents it, and as it rarely does.

#include "base/error.hpp"
#include "base/units.hpp"
#include "storage/gcs/crc32c.hpp"
#include "storage/gcs/gcs_storage.hpp"
#include "support/upload_test.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace dbbackup {
namespace {

const Bytes kLarge(8_MiB + 1'000, 0x5a);

enum class Lost : std::uint8_t { nothing, request, answer };

/// A bucket for one object and one session. Threads of the server use it, one at a time.
struct Bucket {
    std::string content;
    std::string mark;
    std::optional<std::string> mark_of_object;  ///< Nothing: there is no object.
    bool has_session = false;
    std::size_t cancelled = 0;
    std::size_t taken_bytes_max = SIZE_MAX;  ///< Of the next part.
    int lose_nth_put = 0;
    Lost lost = Lost::nothing;
    int status_of_next_put = 0;
    bool damages = false;
};

HttpAnswer incomplete(const Bucket& bucket) {
    HttpAnswer answer{308};
    if (!bucket.content.empty()) {
        answer.headers = {{"Range", fmt::format("bytes=0-{}", bucket.content.size() - 1)}};
    }
    return answer;
}

HttpAnswer answer_of_put(Bucket& bucket, const SeenRequest& request) {
    const std::string range = request.headers.at("content-range");
    const std::string total = range.substr(range.rfind('/') + 1);
    const bool is_question = range.starts_with("bytes */");
    const auto object = [&bucket] {
        Bytes stored(bucket.content.begin(), bucket.content.end());
        if (bucket.damages) {
            stored.back() ^= 1U;
        }
        return HttpAnswer{
            200, {}, fmt::format(R"({{"crc32c": "{}"}})", crc32c_text(crc32c(stored)))};
    };
    if (bucket.mark_of_object == bucket.mark) {
        return object();
    }
    if (!bucket.has_session) {
        return {404};
    }
    if (!is_question) {
        EXPECT_TRUE(range.starts_with(fmt::format("bytes {}-", bucket.content.size()))) << range;
        bucket.content += request.body.substr(0, std::exchange(bucket.taken_bytes_max, SIZE_MAX));
    }
    if (total != std::to_string(bucket.content.size())) {
        return incomplete(bucket);
    }
    if (bucket.mark_of_object) {
        return {412};
    }
    bucket.mark_of_object = bucket.mark;
    return object();
}

HttpAnswer answer_of(Bucket& bucket, const SeenRequest& request) {
    if (request.method == "POST") {
        bucket.has_session = true;
        bucket.content.clear();
        bucket.mark = nlohmann::json::parse(request.body)
                          .at("metadata")
                          .at("db-backup-upload")
                          .get<std::string>();
        return {200, {{"Location", "https://elsewhere.example/upload/session?upload_id=1"}}};
    }
    if (request.method == "GET") {
        return {
            200,
            {},
            fmt::format(R"({{"metadata": {{"db-backup-upload": "{}"}}}})", *bucket.mark_of_object)};
    }
    if (request.method == "DELETE") {
        if (request.target.starts_with("/upload/")) {
            ++bucket.cancelled;
            return {499};
        }
        bucket.mark_of_object.reset();
        return {204};
    }
    const bool is_lost = bucket.lose_nth_put > 0 && --bucket.lose_nth_put == 0;
    if (const int status = std::exchange(bucket.status_of_next_put, 0); status != 0) {
        return {status};
    }
    HttpAnswer answer =
        is_lost && bucket.lost == Lost::request ? HttpAnswer{} : answer_of_put(bucket, request);
    answer.hangs_up = is_lost;
    return answer;
}

class GcsUploadTest : public UploadTest<Bucket> {
protected:
    GcsUploadTest()
        : UploadTest([](const SeenRequest& request) { return request.method; }, answer_of) {}

    std::unique_ptr<Storage> store() override {
        const auto variable = [this](const char* name) -> std::optional<std::string> {
            return std::string_view(name) == "STORAGE_EMULATOR_HOST" ? std::optional(server_.url())
                                                                     : std::nullopt;
        };
        return make_gcs_storage(StorageUrl::parse("gs://shop/a"), variable, clock_);
    }

    /// What the requests say of ranges.
    std::vector<std::string> ranges() const {
        std::vector<std::string> found;
        for (const SeenRequest& request : server_.seen()) {
            if (request.method == "PUT") {
                found.push_back(request.headers.at("content-range"));
            }
        }
        return found;
    }
};

using Ranges = std::vector<std::string>;

TEST_F(GcsUploadTest, SendsPartsAndTheChecksumOfAll) {
    EXPECT_EQ(upload(kLarge), PutResult::created);
    EXPECT_EQ(ranges(), (Ranges{"bytes 0-8388607/*", "bytes 8388608-8389607/8389608"}));
    const std::vector<SeenRequest> seen = server_.seen();
    EXPECT_EQ(seen.at(0).target,
              "/upload/storage/v1/b/shop/o?uploadType=resumable&ifGenerationMatch=0"
              "&fields=generation%2Ccrc32c");
    EXPECT_EQ(nlohmann::json::parse(seen.at(0).body).at("name"), "a/shop.gz");
    EXPECT_EQ(seen.at(1).target, "/upload/session?upload_id=1") << "at the server that we know";
    EXPECT_EQ(seen.at(2).headers.at("x-goog-hash"), "crc32c=" + crc32c_text(crc32c(kLarge)));
    EXPECT_EQ(held().cancelled, 0U);
}

TEST_F(GcsUploadTest, AsksWhatIsThereAfterALostAnswer) {
    for (const int nth : {1, 2}) {
        for (const Lost lost : {Lost::request, Lost::answer}) {
            SCOPED_TRACE(fmt::format("part {}, {}", nth, static_cast<int>(lost)));
            prepare([&](Bucket& bucket) {
                bucket = {};
                bucket.lose_nth_put = nth;
                bucket.lost = lost;
            });
            ASSERT_EQ(upload(kLarge), PutResult::created);
            EXPECT_TRUE(held().content == as_text(kLarge));
        }
    }
}

TEST_F(GcsUploadTest, SendsNothingTwiceThatTheStoreKeeps) {
    prepare([](Bucket& bucket) { bucket.taken_bytes_max = 1_MiB; });
    EXPECT_EQ(upload(kLarge), PutResult::created);
    EXPECT_TRUE(held().content == as_text(kLarge));
    EXPECT_EQ(ranges(), (Ranges{"bytes 0-8388607/*", "bytes 1048576-8388607/*",
                                "bytes 8388608-8389607/8389608"}));
}

TEST_F(GcsUploadTest, GetsThroughRefusalsThatPass) {
    for (const int status : {429, 500, 503}) {
        SCOPED_TRACE(status);
        prepare([&](Bucket& bucket) {
            bucket = {};
            bucket.status_of_next_put = status;
        });
        EXPECT_EQ(upload(kLarge), PutResult::created);
    }
    EXPECT_EQ(ranges().at(1), "bytes */*");
}

TEST_F(GcsUploadTest, UploadsEmptyObjects) {
    EXPECT_EQ(upload({}), PutResult::created);
    EXPECT_EQ(ranges(), Ranges{"bytes */0"});
}

TEST_F(GcsUploadTest, NeverTakesTheObjectOfAnotherForItsOwn) {
    prepare([](Bucket& bucket) { bucket.mark_of_object = "of another"; });
    EXPECT_EQ(upload(kLarge), PutResult::exists);
    EXPECT_EQ(held().mark_of_object, "of another");
    EXPECT_EQ(held().cancelled, 1U);
}

TEST_F(GcsUploadTest, SaysThatItHasEnded) {
    const std::unique_ptr<Storage> storage = open();
    const std::unique_ptr<Upload> upload = storage->begin_upload(name_, {});
    upload->write(kLarge, {});
    prepare([](Bucket& bucket) { bucket.has_session = false; });
    try {
        upload->commit({});
        FAIL() << "there is no session";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "upload_ended");
        EXPECT_EQ(error.retry(), Retry::never);
    }
}

TEST_F(GcsUploadTest, LeavesNoDamagedObject) {
    prepare([](Bucket& bucket) { bucket.damages = true; });
    EXPECT_THROW(upload(kLarge), StorageError);
    EXPECT_FALSE(held().mark_of_object);
}

TEST_F(GcsUploadTest, IsCancelledWhenItIsDropped) {
    const std::unique_ptr<Storage> storage = open();
    storage->begin_upload(name_, {})->write(kLarge, {});
    EXPECT_EQ(held().cancelled, 1U);
    EXPECT_FALSE(held().mark_of_object);
}

}  // namespace
}  // namespace dbbackup
