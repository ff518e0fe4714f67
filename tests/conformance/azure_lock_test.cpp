/// @file
/// Containers that keep versions, deleted blobs and immutability policies: Azurite has none, so
/// these are kept by the front before it, as Microsoft documents them
/// (tests/support/azure_kept_container.py).

#include "conformance/azure_server.hpp"
#include "conformance/lock_suite.hpp"

#include <utility>

namespace dbbackup {
namespace {

class AzureLockPlace final : public LockPlace {
public:
    /// @param flavour Of the containers' names. @param always What all keep but the plain one.
    AzureLockPlace(std::string flavour, const std::string& always) : flavour_(std::move(flavour)) {
        server_.make_container(bucket(BucketKind::plain));
        server_.make_kept_container(bucket(BucketKind::versioned), "versions=yes" + always);
        server_.make_kept_container(bucket(BucketKind::lockable),
                                    "versions=yes&locks=yes" + always);
        server_.make_kept_container(bucket(BucketKind::soft_deleting), "deleted=yes");
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
        constexpr int kAccepted = 202;
        const int status = server_.ask({"DELETE", path_of(kind, name)});
        EXPECT_TRUE(status == kAccepted || status == http_status::not_found) << status;
    }

    void overwrite_by_hand(BucketKind kind, const ObjectName& name) override {
        constexpr int kCreated = 201;
        EXPECT_EQ(server_.ask({"PUT", path_of(kind, name), {}, {{"x-ms-blob-type", "BlockBlob"}}}),
                  kCreated);
    }

    void hold_by_hand(BucketKind kind, const ObjectName& name, bool is_held) override {
        EXPECT_EQ(server_.ask({"PUT",
                               path_of(kind, name),
                               {{"comp", "legalhold"}},
                               {{"x-ms-legal-hold", is_held ? "true" : "false"}}}),
                  http_status::ok);
    }

private:
    [[nodiscard]] std::string path_of(BucketKind kind, const ObjectName& name) const {
        return fmt::format("{}/{}/{}", bucket(kind), place_, name.text());
    }

    AzureServer server_{"azure"};
    std::string flavour_;
    std::string place_ = to_hex(random_bytes(8)) + "/r";
};

LockCase azure_case(const char* name, const char* flavour, const std::string& always) {
    return {.name = name,
            .make = [=] { return std::make_unique<AzureLockPlace>(flavour, always); },
            .keeping = {BucketKind::versioned, BucketKind::soft_deleting}};
}

INSTANTIATE_TEST_SUITE_P(AzureLocks, LockSuite,
                         testing::Values(azure_case("StandIn", "a", ""),
                                         azure_case("StandInThatKeepsAll", "b", "&deleted=yes")),
                         lock_case_name);

/// What was stored as governance becomes compliance, and never the other way round.
TEST(AzureLocks, ALockBecomesStricter) {
    const AzureServer server("azure");
    server.make_kept_container("strict", "versions=yes&locks=yes");
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
    EXPECT_EQ(server.ask({"PUT",
                          path + "/a",
                          {{"comp", "immutabilityPolicies"}},
                          {{"x-ms-immutability-policy-until-date", http_date(end)},
                           {"x-ms-immutability-policy-mode", "Unlocked"}}}),
              http_status::conflict);
}

}  // namespace
}  // namespace dbbackup
