/// @file
/// Buckets that keep generations, deleted objects and retentions: fake-gcs-server has none, so
/// these are kept by the front before it, as Google documents them
/// (tests/support/gcs_kept_bucket.py).

#include "conformance/gcs_server.hpp"
#include "conformance/lock_suite.hpp"

#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kVersioning = R"(, "versioning": {"enabled": true})";
constexpr const char* kSoftDelete =
    R"(, "softDeletePolicy": {"retentionDurationSeconds": "604800"})";
constexpr const char* kRetention = "&enableObjectRetention=true";

class GcsLockPlace final : public LockPlace {
public:
    /// @param flavour Of the buckets' names. @param always What all of them keep but the plain one.
    GcsLockPlace(std::string flavour, const std::string& always) : flavour_(std::move(flavour)) {
        server_.make_bucket(bucket(BucketKind::plain), R"(, "versioning": {"enabled": false})");
        server_.make_bucket(bucket(BucketKind::versioned), kVersioning + always);
        server_.make_bucket(bucket(BucketKind::lockable), always, kRetention);
        server_.make_bucket(bucket(BucketKind::soft_deleting), kSoftDelete);
    }

    std::unique_ptr<Storage> open(BucketKind kind, const std::string& more,
                                  ObjectRules rules) override {
        return server_.open(server_.url(fmt::format("{}/{}", bucket(kind), place_), more),
                            std::move(rules));
    }

    [[nodiscard]] std::string bucket(BucketKind kind) const override {
        return bucket_name(kind, flavour_);
    }

    void remove_by_hand(BucketKind kind, const ObjectName& name) override {
        const int status = server_.ask("DELETE", path_of(kind, name), "text/plain", {});
        EXPECT_TRUE(status == http_status::no_content || status == http_status::not_found);
    }

    void overwrite_by_hand(BucketKind kind, const ObjectName& name) override {
        const std::string body = fmt::format(
            "--b\r\ncontent-type: application/json\r\n\r\n{{\"name\": \"{}/{}\"}}\r\n--b\r\n"
            "content-type: application/octet-stream\r\n\r\nover it\r\n--b--\r\n",
            place_, name.text());
        EXPECT_EQ(
            server_.ask("POST",
                        fmt::format("/upload/storage/v1/b/{}/o?uploadType=multipart", bucket(kind)),
                        "multipart/related; boundary=b", as_bytes(body)),
            http_status::ok);
    }

    void hold_by_hand(BucketKind kind, const ObjectName& name, bool is_held) override {
        const std::string body = fmt::format(R"({{"temporaryHold": {}}})", is_held);
        EXPECT_EQ(server_.ask("PATCH", path_of(kind, name), "application/json", as_bytes(body)),
                  http_status::ok);
    }

private:
    [[nodiscard]] std::string path_of(BucketKind kind, const ObjectName& name) const {
        return fmt::format("/storage/v1/b/{}/o/{}", bucket(kind),
                           percent_encoded(fmt::format("{}/{}", place_, name.text())));
    }

    GcsServer server_;
    std::string flavour_;
    std::string place_ = to_hex(random_bytes(8)) + "/r";
};

LockCase gcs_case(const char* name, const char* flavour, const std::string& always) {
    return {.name = name,
            .make = [=] { return std::make_unique<GcsLockPlace>(flavour, always); },
            .keeping = {BucketKind::versioned, BucketKind::soft_deleting}};
}

INSTANTIATE_TEST_SUITE_P(GcsLocks, LockSuite,
                         testing::Values(gcs_case("StandIn", "a", ""),
                                         gcs_case("StandInThatKeepsAll", "b",
                                                  fmt::format("{}{}", kVersioning, kSoftDelete))),
                         lock_case_name);

/// Not ours, and respected: `prune` leaves what it keeps for later.
TEST(GcsLocks, ABucketsOwnRetentionIsALock) {
    GcsServer server;
    server.make_bucket("retaining", R"(, "retentionPolicy": {"retentionPeriod": "3600"})");
    const auto storage =
        server.open(server.url(fmt::format("retaining/{}", to_hex(random_bytes(8)))));
    const ObjectName name("a");
    ASSERT_EQ(storage->put(name, as_bytes("1"), {}), PutResult::created);
    EXPECT_EQ(storage->put(name, as_bytes("2"), {}), PutResult::exists);
    const auto until = storage->protection()->locked_until(name, {});
    ASSERT_TRUE(until);
    EXPECT_GT(*until, std::chrono::system_clock::now() + std::chrono::minutes(59));
    try {
        storage->remove(name, {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), kObjectLocked) << error.what();
    }
}

/// What was stored as governance becomes compliance, and never the other way round.
TEST(GcsLocks, ALockBecomesStricter) {
    GcsServer server;
    server.make_bucket("strict", "", kRetention);
    const std::string path = fmt::format("strict/{}", to_hex(random_bytes(8)));
    const ObjectName name("a");
    const auto mild = server.open(server.url(path, "&object_lock=governance:1"));
    const auto strict = server.open(server.url(path, "&object_lock=compliance:1"));
    ASSERT_EQ(mild->put(name, as_bytes("1"), {}), PutResult::created);
    const auto end = mild->protection()->locked_until(name, {}).value();
    strict->protection()->lock_until(name, end - std::chrono::hours(1), {});
    EXPECT_EQ(mild->protection()->locked_until(name, {}), end) << "it got no shorter";
    mild->protection()->lock_until(name, end + std::chrono::hours(1), {});
    EXPECT_EQ(mild->protection()->locked_until(name, {}), end + std::chrono::hours(1));
    const std::string taken_back = R"({"retention": {"mode": "Unlocked", "retainUntilTime": ")" +
                                   format_rfc3339(end) + R"("}})";
    EXPECT_EQ(server.ask("PATCH",
                         fmt::format("/storage/v1/b/strict/o/{}?overrideUnlockedRetention=true",
                                     percent_encoded(path.substr(7) + "/a")),
                         "application/json", as_bytes(taken_back)),
              http_status::forbidden);
}

}  // namespace
}  // namespace dbbackup
