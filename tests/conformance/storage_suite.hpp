#pragma once

/// @file
/// Every promise of storage/storage.hpp as a test, to be run against every store: include this in
/// one test program and instantiate `StorageSuite` with a `StorageCase` for each store.

#include "base/error.hpp"
#include "base/units.hpp"
#include "storage/storage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <ostream>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// An empty place of a store, removed with this object. Handles are opened one after another and
/// see the same objects, as those of several processes do.
class StoragePlace {
public:
    StoragePlace() = default;
    StoragePlace(const StoragePlace&) = delete;
    StoragePlace& operator=(const StoragePlace&) = delete;
    virtual ~StoragePlace() = default;
    virtual std::unique_ptr<Storage> open() = 0;
};

/// One store to be tested.
struct StorageCase {
    std::string name;
    std::function<std::unique_ptr<StoragePlace>()> make_place;
};

inline void PrintTo(const StorageCase& tested, std::ostream* out) { *out << tested.name; }

/// For INSTANTIATE_TEST_SUITE_P.
inline std::string storage_case_name(const testing::TestParamInfo<StorageCase>& info) {
    return info.param.name;
}

class StorageSuite : public testing::TestWithParam<StorageCase> {
protected:
    [[nodiscard]] std::set<std::string> names(const std::string& prefix = {}) const {
        std::set<std::string> found;
        storage_->list(ObjectPrefix(prefix),
                       [&found](const ObjectInfo& info) {
                           EXPECT_TRUE(found.insert(info.name.text()).second)
                               << info.name.text() << " was visited twice";
                       },
                       {});
        return found;
    }

    static Bytes sample(std::size_t size, std::uint64_t seed = 1) {
        std::mt19937_64 random(seed);
        Bytes content(size);
        for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
            const std::uint64_t number = random();
            std::memcpy(content.data() + at, &number, std::min(sizeof(number), size - at));
        }
        return content;
    }

    std::unique_ptr<StoragePlace> place_ = GetParam().make_place();
    std::unique_ptr<Storage> storage_ = place_->open();
};

using StorageNames = std::set<std::string>;

TEST_P(StorageSuite, ReturnsWhatWasPut) {
    const Bytes content = sample(100'000);
    EXPECT_EQ(storage_->put(ObjectName("packs/ab/abcd"), content, {}), PutResult::created);
    EXPECT_EQ(storage_->get(ObjectName("packs/ab/abcd"), {}), content);
    EXPECT_EQ(storage_->size_bytes(ObjectName("packs/ab/abcd"), {}), content.size());
}

TEST_P(StorageSuite, HasNothingThatWasNotPut) {
    EXPECT_EQ(storage_->get(ObjectName("absent"), {}), std::nullopt);
    EXPECT_EQ(storage_->get(ObjectName("no/such/folder/absent"), {}), std::nullopt);
    EXPECT_EQ(storage_->get_range(ObjectName("absent"), {0, 10}, {}), std::nullopt);
    EXPECT_EQ(storage_->size_bytes(ObjectName("absent"), {}), std::nullopt);
    EXPECT_EQ(names(), StorageNames{});
    EXPECT_EQ(names("no/such/folder"), StorageNames{});
}

TEST_P(StorageSuite, KeepsTheFirstOfTwoPuts) {
    const ObjectName name("config");
    EXPECT_EQ(storage_->put(name, as_bytes("first"), {}), PutResult::created);
    EXPECT_EQ(storage_->put(name, as_bytes("second, and longer"), {}), PutResult::exists);
    EXPECT_EQ(storage_->put(name, as_bytes("first"), {}), PutResult::exists);
    EXPECT_EQ(as_text(storage_->get(name, {}).value()), "first");
}

TEST_P(StorageSuite, HoldsEmptyObjects) {
    const ObjectName name("runs/r/0");
    EXPECT_EQ(storage_->put(name, {}, {}), PutResult::created);
    EXPECT_EQ(storage_->put(name, as_bytes("x"), {}), PutResult::exists);
    EXPECT_EQ(storage_->get(name, {}), Bytes{});
    EXPECT_EQ(storage_->get_range(name, {0, 5}, {}), Bytes{});
    EXPECT_EQ(storage_->size_bytes(name, {}), 0U);
    EXPECT_EQ(names(), StorageNames{"runs/r/0"});
}

TEST_P(StorageSuite, HoldsObjectsLargerThanAPack) {
    const Bytes content = sample(20'000'003);
    EXPECT_EQ(storage_->put(ObjectName("packs/big"), content, {}), PutResult::created);
    // Not EXPECT_EQ: it would print 20 MB.
    EXPECT_TRUE(storage_->get(ObjectName("packs/big"), {}) == content);
    const Bytes middle(content.begin() + 5'000'000, content.begin() + 15'000'000);
    EXPECT_TRUE(storage_->get_range(ObjectName("packs/big"), {5'000'000, 10'000'000}, {}) ==
                middle);
}

TEST_P(StorageSuite, HoldsEveryByteValue) {
    Bytes content(256);
    for (std::size_t value = 0; value < content.size(); ++value) {
        content[value] = static_cast<std::uint8_t>(value);
    }
    storage_->put(ObjectName("bytes"), content, {});
    EXPECT_EQ(storage_->get(ObjectName("bytes"), {}), content);
}

TEST_P(StorageSuite, TakesNamesOfEveryFormAndLength) {
    const std::string longest(100, 'z');
    std::string deepest = longest;
    for (int segment = 1; segment < 8; ++segment) {
        deepest += '/' + longest;
    }
    const StorageNames all = {
        "0",    "a.b", "a..", "-", "_", "a_b-c.d", "x/-/_", longest.substr(1), "deep/" + longest,
        deepest};
    for (const std::string& name : all) {
        EXPECT_EQ(storage_->put(ObjectName(name), as_bytes(name), {}), PutResult::created) << name;
    }
    for (const std::string& name : all) {
        EXPECT_EQ(as_text(storage_->get(ObjectName(name), {}).value()), name);
    }
    EXPECT_EQ(names(), all);
}

TEST_P(StorageSuite, CutsRangesAtTheEnd) {
    const ObjectName name("ten");
    storage_->put(name, as_bytes("0123456789"), {});
    const auto range = [&](std::uint64_t offset, std::uint64_t length) {
        return std::string(as_text(storage_->get_range(name, {offset, length}, {}).value()));
    };
    EXPECT_EQ(range(0, 10), "0123456789");
    EXPECT_EQ(range(0, 1), "0");
    EXPECT_EQ(range(9, 1), "9");
    EXPECT_EQ(range(3, 4), "3456");
    EXPECT_EQ(range(8, 5), "89");
    EXPECT_EQ(range(10, 1), "");
    EXPECT_EQ(range(11, 5), "");
    EXPECT_EQ(range(4, 0), "");
    constexpr std::uint64_t kHuge = ~std::uint64_t{0};
    EXPECT_EQ(range(5, kHuge), "56789");
    EXPECT_EQ(range(kHuge, kHuge), "");
}

TEST_P(StorageSuite, ListsWholeSegmentsBelowAPrefix) {
    for (const char* name :
         {"packs/ab/1", "packs/ab/2", "packs/abc/3", "packs/b", "packsx/4", "c"}) {
        storage_->put(ObjectName(name), as_bytes(name), {});
    }
    EXPECT_EQ(names("packs/ab"), (StorageNames{"packs/ab/1", "packs/ab/2"}));
    EXPECT_EQ(names("packs"), (StorageNames{"packs/ab/1", "packs/ab/2", "packs/abc/3", "packs/b"}));
    EXPECT_EQ(names("packs/b"), StorageNames{}) << "an object is not below itself";
    EXPECT_EQ(names("pack"), StorageNames{});
    EXPECT_EQ(names().size(), 6U);
}

TEST_P(StorageSuite, TellsSizesAndPlausibleTimes) {
    storage_->put(ObjectName("a/1"), sample(1), {});
    storage_->put(ObjectName("a/1000"), sample(1000), {});
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    storage_->list(ObjectPrefix("a"),
                   [now](const ObjectInfo& info) {
                       EXPECT_EQ(std::to_string(info.size_bytes), info.name.leaf());
                       EXPECT_LT(std::chrono::abs(info.modified_at - now), std::chrono::hours(1));
                   },
                   {});
}

TEST_P(StorageSuite, ForgetsWhatIsRemoved) {
    const ObjectName name("packs/ab/1");
    storage_->put(name, as_bytes("old"), {});
    storage_->put(ObjectName("packs/ab/2"), as_bytes("other"), {});
    storage_->remove(name, {});
    EXPECT_EQ(storage_->get(name, {}), std::nullopt);
    EXPECT_EQ(storage_->get_range(name, {0, 1}, {}), std::nullopt);
    EXPECT_EQ(storage_->size_bytes(name, {}), std::nullopt);
    EXPECT_EQ(names(), StorageNames{"packs/ab/2"});
    EXPECT_EQ(storage_->put(name, as_bytes("new"), {}), PutResult::created);
    EXPECT_EQ(as_text(storage_->get(name, {}).value()), "new");
}

TEST_P(StorageSuite, RemovesWhatIsMissing) {
    EXPECT_NO_THROW(storage_->remove(ObjectName("absent"), {}));
    EXPECT_NO_THROW(storage_->remove(ObjectName("no/such/folder/absent"), {}));
    storage_->put(ObjectName("once"), {}, {});
    storage_->remove(ObjectName("once"), {});
    EXPECT_NO_THROW(storage_->remove(ObjectName("once"), {}));
}

TEST_P(StorageSuite, ShowsOneHandleWhatAnotherDid) {
    const std::unique_ptr<Storage> other = place_->open();
    EXPECT_EQ(other->put(ObjectName("shared"), as_bytes("by the other"), {}), PutResult::created);
    EXPECT_EQ(storage_->put(ObjectName("shared"), as_bytes("by us"), {}), PutResult::exists);
    EXPECT_EQ(as_text(storage_->get(ObjectName("shared"), {}).value()), "by the other");
    EXPECT_EQ(names(), StorageNames{"shared"});
    other->remove(ObjectName("shared"), {});
    EXPECT_EQ(storage_->get(ObjectName("shared"), {}), std::nullopt);
}

TEST_P(StorageSuite, SurvivesItsHandle) {
    storage_->put(ObjectName("kept"), as_bytes("kept"), {});
    storage_.reset();
    storage_ = place_->open();
    EXPECT_EQ(as_text(storage_->get(ObjectName("kept"), {}).value()), "kept");
}

TEST_P(StorageSuite, LetsAVisitorUseTheStore) {
    for (int number = 0; number < 20; ++number) {
        storage_->put(ObjectName("in/" + std::to_string(number)), as_bytes("x"), {});
    }
    int visited = 0;
    storage_->list(ObjectPrefix("in"),
                   [&](const ObjectInfo& info) {
                       ++visited;
                       EXPECT_EQ(storage_->size_bytes(info.name, {}), 1U);
                       storage_->put(ObjectName("out/" + std::string(info.name.leaf())),
                                     as_bytes("y"), {});
                       storage_->remove(info.name, {});
                       storage_->list(ObjectPrefix("out"), [](const ObjectInfo&) {}, {});
                   },
                   {});
    EXPECT_EQ(visited, 20);
    EXPECT_EQ(names("in"), StorageNames{});
    EXPECT_EQ(names("out").size(), 20U);
}

TEST_P(StorageSuite, PassesAVisitorsErrorOn) {
    storage_->put(ObjectName("a"), {}, {});
    storage_->put(ObjectName("b"), {}, {});
    int visited = 0;
    const auto visit = [&visited](const ObjectInfo&) {
        ++visited;
        throw StorageError("by the visitor", Retry::may_help);
    };
    EXPECT_THROW(storage_->list({}, visit, {}), StorageError);
    EXPECT_EQ(visited, 1) << "a visitor's error is no reason to list again";
}

TEST_P(StorageSuite, NamesItselfWithoutCredentials) {
    EXPECT_FALSE(storage_->url().empty());
    EXPECT_EQ(storage_->url().find('@'), std::string::npos);
}

TEST_P(StorageSuite, DoesNothingOnceStopped) {
    storage_->put(ObjectName("a"), as_bytes("a"), {});
    std::stop_source source;
    source.request_stop();
    const std::stop_token stop = source.get_token();
    EXPECT_THROW(storage_->put(ObjectName("b"), as_bytes("b"), stop), Cancelled);
    EXPECT_THROW(storage_->get(ObjectName("a"), stop), Cancelled);
    EXPECT_THROW(storage_->get_range(ObjectName("a"), {0, 1}, stop), Cancelled);
    EXPECT_THROW(storage_->size_bytes(ObjectName("a"), stop), Cancelled);
    EXPECT_THROW(storage_->list({}, [](const ObjectInfo&) {}, stop), Cancelled);
    EXPECT_THROW(storage_->remove(ObjectName("a"), stop), Cancelled);
    EXPECT_EQ(names(), StorageNames{"a"});
}

TEST_P(StorageSuite, StopsAListingHalfWay) {
    for (int number = 0; number < 10; ++number) {
        storage_->put(ObjectName("s/" + std::to_string(number)), {}, {});
    }
    std::stop_source source;
    int visited = 0;
    const auto visit = [&](const ObjectInfo&) {
        ++visited;
        source.request_stop();
    };
    EXPECT_THROW(storage_->list({}, visit, source.get_token()), Cancelled);
    EXPECT_EQ(visited, 1);
}

}  // namespace dbbackup
