/// @file
/// Buckets that keep versions and locks, on a real server that speaks S3.

#include "conformance/lock_suite.hpp"
#include "conformance/s3_server.hpp"

#include <utility>

namespace dbbackup {
namespace {

class S3LockPlace final : public LockPlace {
public:
    S3LockPlace() {
        for (const BucketKind kind :
             {BucketKind::plain, BucketKind::versioned, BucketKind::lockable}) {
            server_.make_bucket(bucket(kind), kind);
        }
    }

    std::unique_ptr<Storage> open(BucketKind kind, const std::string& more,
                                  ObjectRules rules) override {
        return server_.open(server_.url(fmt::format("{}/{}", bucket(kind), place_), more),
                            std::move(rules));
    }

    [[nodiscard]] std::string bucket(BucketKind kind) const override {
        return kind == BucketKind::lockable    ? "lockable"
               : kind == BucketKind::versioned ? "versioned"
                                               : "plain";
    }

    void remove_by_hand(BucketKind kind, const ObjectName& name) override {
        EXPECT_EQ(server_.send({"DELETE", key_of(kind, name)}), http_status::no_content);
    }

    void overwrite_by_hand(BucketKind kind, const ObjectName& name) override {
        EXPECT_EQ(server_.send({"PUT", key_of(kind, name)}), http_status::ok);
    }

    void hold_by_hand(BucketKind kind, const ObjectName& name, bool is_held) override {
        const std::string body = fmt::format(
            R"(<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>{}</Status></LegalHold>)",
            is_held ? "ON" : "OFF");
        S3Call call{"PUT", key_of(kind, name)};
        call.query = {{"legal-hold", ""}};
        call.body = as_bytes(body);
        EXPECT_EQ(server_.send(call), http_status::ok);
    }

private:
    [[nodiscard]] std::string key_of(BucketKind kind, const ObjectName& name) const {
        return fmt::format("{}/{}/{}", bucket(kind), place_, name.text());
    }

    S3Server server_{"versitygw"};
    std::string place_ = to_hex(random_bytes(8)) + "/r";
};

INSTANTIATE_TEST_SUITE_P(S3Locks, LockSuite,
                         testing::Values(LockCase{
                             .name = "Versitygw",
                             .make = [] { return std::make_unique<S3LockPlace>(); },
                             .keeping = {BucketKind::versioned},
                             .stores_what_it_refuses = true}),
                         lock_case_name);

}  // namespace
}  // namespace dbbackup
