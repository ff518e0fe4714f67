#include "storage/retrying_storage.hpp"

#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A clock that moves only by being waited for.
struct FakeTime {
    steady_clock::time_point now{};
    std::vector<milliseconds> waits;
    double random = 1.0;
    std::uint32_t told = 0;

    RetryEnvironment environment() {
        RetryEnvironment result;
        result.now = [this] { return now; };
        result.wait = [this](milliseconds duration, const std::stop_token&) {
            waits.push_back(duration);
            now += duration;
        };
        result.random = [this] { return random; };
        result.on_retry = [this](const Error&, milliseconds) { ++told; };
        return result;
    }
};

StorageError unreachable() { return StorageError("store unreachable", Retry::may_help); }

/// A retrying store over a faulty one over one in memory.
struct Stack {
    explicit Stack(Faults faults, RetryPolicy policy = {}) {
        auto owned = std::make_unique<FaultyStorage>(memory, std::move(faults));
        faulty = owned.get();
        storage = std::make_unique<RetryingStorage>(std::move(owned), policy, time.environment());
    }

    MemoryStorage memory;
    FakeTime time;
    FaultyStorage* faulty = nullptr;
    std::unique_ptr<RetryingStorage> storage;
};

/// Fails the first `count` calls before they do anything.
Faults first_fail(std::uint64_t count) {
    Faults faults;
    faults.before = [count](const StorageCall& call) {
        if (call.ordinal <= count) {
            throw unreachable();
        }
    };
    return faults;
}

const ObjectName kName("packs/ab/1");

TEST(RetryingStorage, GetsThroughAfterFailures) {
    for (const StorageOperation operation :
         {StorageOperation::put, StorageOperation::get, StorageOperation::get_range,
          StorageOperation::size_bytes, StorageOperation::list, StorageOperation::remove,
          StorageOperation::begin_upload, StorageOperation::end_abandoned_uploads}) {
        SCOPED_TRACE(operation_name(operation));
        Stack stack(first_fail(3));
        if (operation != StorageOperation::put) {
            stack.memory.put(kName, as_bytes("abc"), {});
        }
        int visited = 0;
        switch (operation) {
            case StorageOperation::put:
                EXPECT_EQ(stack.storage->put(kName, as_bytes("abc"), {}), PutResult::created);
                break;
            case StorageOperation::get:
                EXPECT_EQ(as_text(stack.storage->get(kName, {}).value()), "abc");
                break;
            case StorageOperation::get_range:
                EXPECT_EQ(as_text(stack.storage->get_range(kName, {1, 1}, {}).value()), "b");
                break;
            case StorageOperation::size_bytes:
                EXPECT_EQ(stack.storage->size_bytes(kName, {}), 3U);
                break;
            case StorageOperation::list:
                stack.storage->list({}, [&](const ObjectInfo&) { ++visited; }, {});
                EXPECT_EQ(visited, 1);
                break;
            case StorageOperation::remove:
                stack.storage->remove(kName, {});
                EXPECT_TRUE(stack.memory.contents().empty());
                break;
            case StorageOperation::begin_upload:
                EXPECT_NE(stack.storage->begin_upload(kName, {}), nullptr);
                break;
            case StorageOperation::end_abandoned_uploads:
                stack.storage->end_abandoned_uploads(std::chrono::seconds(0), {});
                break;
            case StorageOperation::write:
            case StorageOperation::commit: FAIL() << "of uploads: see below";
        }
        EXPECT_EQ(stack.faulty->calls(), 4U);
        EXPECT_EQ(stack.time.told, 3U);
    }
}

/// Every call fails twice: once before it does anything, once by losing its answer.
TEST(RetryingStorage, GetsUploadsThroughAfterFailures) {
    Faults faults;
    faults.before = [](const StorageCall& call) {
        if (call.ordinal % 3 == 1) {
            throw unreachable();
        }
    };
    faults.after = [](const StorageCall& call) {
        if (call.ordinal % 3 == 2) {
            throw unreachable();
        }
    };
    Stack stack(std::move(faults));
    const std::unique_ptr<Upload> upload = stack.storage->begin_upload(kName, {});
    upload->write(as_bytes("abc"), {});
    upload->write(as_bytes("def"), {});
    EXPECT_EQ(upload->commit({}), PutResult::created);
    EXPECT_EQ(as_text(stack.storage->get(kName, {}).value()), "abcdef");
}

TEST(RetryingStorage, WaitsTwiceAsLongEachTimeUpToALimit) {
    Stack stack(first_fail(6), {.wait_first = milliseconds(100),
                                .wait_max = milliseconds(1000),
                                .deadline = milliseconds(60'000)});
    stack.storage->remove(kName, {});
    EXPECT_EQ(stack.time.waits, (std::vector<milliseconds>{
                                    milliseconds(100), milliseconds(200), milliseconds(400),
                                    milliseconds(800), milliseconds(1000), milliseconds(1000)}));
}

TEST(RetryingStorage, ComesBackNoSoonerThanTheStoreWants) {
    Faults faults;
    faults.before = [](const StorageCall& call) {
        if (call.ordinal <= 2) {
            StorageError error = unreachable();
            error.set_retry_after(std::chrono::seconds(call.ordinal == 1 ? 7 : 0));
            throw error;
        }
    };
    Stack stack(std::move(faults));
    stack.storage->put(kName, as_bytes("abc"), {});
    EXPECT_EQ(stack.time.waits, (std::vector{milliseconds(7000), milliseconds(400)}));
}

TEST(RetryingStorage, SpreadsItsWaitsOverTheWholeRange) {
    Stack stack(first_fail(3));
    stack.time.random = 0.0;
    stack.storage->remove(kName, {});
    EXPECT_EQ(stack.time.waits, std::vector<milliseconds>(3, milliseconds(0)));
}

TEST(RetryingStorage, GivesUpAtTheDeadlineWithTheLastError) {
    Stack stack(first_fail(~std::uint64_t{0}), {.wait_first = milliseconds(100),
                                                .wait_max = milliseconds(100),
                                                .deadline = milliseconds(1000)});
    try {
        static_cast<void>(stack.storage->get(kName, {}));
        FAIL() << "a dead store answered";
    } catch (const StorageError& error) {
        EXPECT_STREQ(error.what(), "store unreachable");
        ASSERT_EQ(error.context().size(), 1U);
        EXPECT_EQ(error.context().front(), "gave up after 11 tries");
    }
    EXPECT_EQ(stack.faulty->calls(), 11U);
    EXPECT_EQ(stack.time.now, steady_clock::time_point(milliseconds(1000)));
}

TEST(RetryingStorage, PassesOnAtOnceWhatRetryingCannotHelp) {
    Faults faults;
    faults.before = [](const StorageCall&) { throw StorageError("access denied"); };
    Stack stack(std::move(faults));
    EXPECT_THROW(stack.storage->put(kName, {}, {}), StorageError);
    EXPECT_EQ(stack.faulty->calls(), 1U);
    EXPECT_TRUE(stack.time.waits.empty());
}

/// The first put is carried out, but its answer is lost.
Faults lost_answer() {
    Faults faults;
    faults.after = [](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.ordinal == 1) {
            throw unreachable();
        }
    };
    return faults;
}

TEST(RetryingStorage, KnowsItsOwnObjectAfterALostAnswer) {
    Stack stack(lost_answer());
    EXPECT_EQ(stack.storage->put(kName, as_bytes("ours"), {}), PutResult::created);
    EXPECT_EQ(stack.storage->put(kName, as_bytes("ours"), {}), PutResult::exists)
        << "only a retry may claim an object that was there";
}

TEST(RetryingStorage, DoesNotClaimTheObjectOfAnother) {
    for (const std::string_view theirs : {"othe", "our", "ours+", ""}) {
        Stack stack(first_fail(1));
        stack.memory.put(kName, as_bytes(theirs), {});
        EXPECT_EQ(stack.storage->put(kName, as_bytes("ours"), {}), PutResult::exists) << theirs;
    }
}

TEST(RetryingStorage, ClaimsItsObjectThoughReadingItBackFailsAtFirst) {
    Faults faults = lost_answer();
    faults.before = [](const StorageCall& call) {
        if (call.operation == StorageOperation::get && call.ordinal == 3) {
            throw unreachable();
        }
    };
    Stack stack(std::move(faults));
    EXPECT_EQ(stack.storage->put(kName, as_bytes("ours"), {}), PutResult::created);
    EXPECT_EQ(stack.faulty->calls(), 5U);  // put, put, get, put, get
}

TEST(RetryingStorage, StoresAgainWhatWentBetweenTwoTries) {
    MemoryStorage* disk = nullptr;
    Faults faults = lost_answer();
    faults.before = [&disk](const StorageCall& call) {
        if (call.operation == StorageOperation::get && call.ordinal == 3) {
            disk->remove(kName, {});
        }
    };
    Stack stack(std::move(faults));
    disk = &stack.memory;
    EXPECT_EQ(stack.storage->put(kName, as_bytes("ours"), {}), PutResult::created);
    EXPECT_TRUE(stack.memory.contents().contains(kName.text()));
}

TEST(RetryingStorage, VisitsNothingTwiceWhenAListingBreaks) {
    Faults faults;
    faults.after = [](const StorageCall& call) {
        if (call.operation == StorageOperation::list && call.ordinal == 1) {
            throw unreachable();
        }
    };
    Stack stack(std::move(faults));
    stack.memory.put(ObjectName("a"), {}, {});
    stack.memory.put(ObjectName("b"), {}, {});
    std::vector<std::string> visited;
    stack.storage->list({}, [&](const ObjectInfo& info) { visited.push_back(info.name.text()); },
                        {});
    EXPECT_EQ(visited, (std::vector<std::string>{"a", "b"}));
}

TEST(RetryingStorage, StopsWhileItWaits) {
    MemoryStorage memory;
    std::stop_source source;
    RetryEnvironment environment = RetryEnvironment::system();
    environment.random = [] { return 1.0; };
    std::jthread stopper;
    environment.on_retry = [&](const Error&, milliseconds) {
        stopper = std::jthread([&source] { source.request_stop(); });
    };
    RetryingStorage storage(std::make_unique<FaultyStorage>(memory, first_fail(~std::uint64_t{0})),
                            {.wait_first = std::chrono::hours(1),
                             .wait_max = std::chrono::hours(1),
                             .deadline = std::chrono::hours(2)},
                            std::move(environment));
    EXPECT_THROW(storage.put(kName, {}, source.get_token()), Cancelled);
}

TEST(RetryingStorage, DrawsFromTheWholeRangeByItself) {
    const RetryEnvironment environment = RetryEnvironment::system();
    double low = 1.0;
    double high = 0.0;
    for (int draw = 0; draw < 1000; ++draw) {
        const double value = environment.random();
        ASSERT_GE(value, 0.0);
        ASSERT_LT(value, 1.0);
        low = std::min(low, value);
        high = std::max(high, value);
    }
    EXPECT_LT(low, 0.1);
    EXPECT_GT(high, 0.9);
}

}  // namespace
}  // namespace dbbackup
