#include "base/guarded.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace dbbackup {
namespace {

TEST(Guarded, CountsEveryIncrementOfSeveralThreads) {
    constexpr int kThreads = 4;
    constexpr int kTimes = 10'000;
    Guarded<int> count(5);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&] {
            for (int time = 0; time < kTimes; ++time) {
                count.with([](int& value) { ++value; });
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(std::as_const(count).with([](const int& value) { return value; }),
              5 + kThreads * kTimes);
}

TEST(Guarded, IsFreeAgainAfterAnException) {
    Guarded<std::unique_ptr<int>> value(std::make_unique<int>(1));
    EXPECT_THROW(value.with([](auto&) { throw 1; }), int);
    EXPECT_EQ(value.with([](auto& pointer) { return ++*pointer; }), 2);
}

}  // namespace
}  // namespace dbbackup
