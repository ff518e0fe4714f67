#include "base/locked_memory.hpp"

#include "base/secret.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

/// What the kernel says of the mapping around `address`: "rd wr mr mw me lo ac dd".
/// Source: proc_pid_smaps(5), VmFlags.
std::string flags_around(const void* address) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/smaps");
    bool is_inside = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::istringstream words(line);
        if (words >> std::hex >> begin >> dash >> end && dash == '-') {
            is_inside = begin <= wanted && wanted < end;
        } else if (is_inside && line.starts_with("VmFlags:")) {
            return line;
        }
    }
    return {};
}

/// The address sanitizer takes the place of mlock() and does nothing.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLocksReally = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kLocksReally = false;
#else
constexpr bool kLocksReally = true;
#endif
#else
constexpr bool kLocksReally = true;
#endif

bool may_lock() {
    if (!kLocksReally) {
        return false;
    }
    rlimit limit{};
    return ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= (std::uint64_t{1} << 20U);
}

TEST(LockedMemory, IsLeftOutOfCoreDumpsAndSwap) {
    for (const std::size_t size : {std::size_t{32}, std::size_t{5000}}) {
        const LockedBytes held(size);
        const std::string flags = flags_around(held.bytes().data());
        if (flags.empty()) {
            GTEST_SKIP() << "this kernel does not tell";
        }
        EXPECT_NE(flags.find(" dd"), std::string::npos) << flags;
        if (may_lock()) {
            EXPECT_NE(flags.find(" lo"), std::string::npos) << flags;
        }
    }
}

/// Secrets that share a page must not unlock it when one of them goes.
TEST(LockedMemory, StaysLockedWhenANeighbourGoes) {
    const Secret stays("stays");
    {
        const Secret goes("goes");
    }
    const std::string flags = flags_around(stays.bytes().data());
    if (flags.empty() || !may_lock()) {
        GTEST_SKIP() << "this kernel does not tell, or may not lock";
    }
    EXPECT_NE(flags.find(" lo"), std::string::npos) << flags;
}

TEST(LockedMemory, IsZeroAtFirstAndGivenBackEmpty) {
    const std::uint8_t* before = nullptr;
    {
        LockedBytes held(64);
        EXPECT_TRUE(std::ranges::all_of(held.bytes(), [](auto byte) { return byte == 0; }));
        std::ranges::fill(held.bytes(), 0xaa);
        before = held.bytes().data();
    }
    const LockedBytes next(64);
    EXPECT_EQ(next.bytes().data(), before) << "the place is used again";
    EXPECT_TRUE(std::ranges::all_of(next.bytes(), [](auto byte) { return byte == 0; }));
    EXPECT_TRUE(LockedBytes(0).bytes().empty());
}

TEST(LockedMemory, MovesWithoutCopying) {
    LockedBytes first(10);
    const std::uint8_t* const place = first.bytes().data();
    LockedBytes second(std::move(first));
    EXPECT_EQ(second.bytes().data(), place);
    LockedBytes third(20);
    third = std::move(second);
    EXPECT_EQ(third.bytes().data(), place);
    EXPECT_EQ(third.bytes().size(), 10U);
}

TEST(LockedMemory, NoTwoShareAPlaceOnAnyThread) {
    std::vector<std::vector<LockedBytes>> held(4);
    {
        std::vector<std::jthread> threads;
        threads.reserve(held.size());
        for (auto& mine : held) {
            threads.emplace_back([&mine] {
                for (int round = 0; round < 3000; ++round) {
                    mine.emplace_back(33);
                    if (round % 3 == 0) {
                        mine.erase(mine.begin());
                    }
                }
            });
        }
    }
    std::set<const std::uint8_t*> places;
    std::size_t count = 0;
    for (const auto& mine : held) {
        for (const LockedBytes& each : mine) {
            places.insert(each.bytes().data());
            ++count;
        }
    }
    EXPECT_EQ(places.size(), count);
}

}  // namespace
}  // namespace dbbackup
