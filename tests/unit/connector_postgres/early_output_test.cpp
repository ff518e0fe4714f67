#include "connector/postgres/early_output.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>

namespace dbbackup::postgres {
namespace {

Bytes letters(std::size_t count, char letter) {
    return Bytes(count, static_cast<std::uint8_t>(letter));
}

TEST(EarlyOutput, IsMadeBeforeAnybodyReads) {
    std::promise<void> made;
    EarlyOutput output([&](const EarlyOutput::Take& take, const std::stop_token&) {
        take(as_bytes(std::string_view("one ")));
        take(as_bytes(std::string_view("two")));
        made.set_value();
    });
    made.get_future().wait();
    std::string all;
    output.read([&](BytesView part) { all += as_text(part); }, {});
    EXPECT_EQ(all, "one two");
}

TEST(EarlyOutput, GivesMoreThanIsKeptInOrder) {
    constexpr char kParts = 20;
    EarlyOutput output([](const EarlyOutput::Take& take, const std::stop_token&) {
        for (char part = 0; part < kParts; ++part) {
            take(letters(EarlyOutput::kBytesMax / 4, static_cast<char>('a' + part)));
        }
    });
    std::string expected;
    for (char part = 0; part < kParts; ++part) {
        expected.append(EarlyOutput::kBytesMax / 4, static_cast<char>('a' + part));
    }
    std::string all;
    output.read([&](BytesView part) { all += as_text(part); }, {});
    EXPECT_TRUE(all == expected);
}

TEST(EarlyOutput, KeepsNoMoreThanItMay) {
    std::atomic<int> given{0};
    std::promise<void> fifth;
    {
        EarlyOutput output([&](const EarlyOutput::Take& take, const std::stop_token&) {
            for (;;) {
                if (given == 4) {
                    fifth.set_value();
                }
                take(letters(EarlyOutput::kBytesMax / 4, 'x'));
                ++given;
            }
        });
        fifth.get_future().wait();
    }
    EXPECT_EQ(given, 4) << "the maker waits until it is ended";
}

TEST(EarlyOutput, TellsWhatTheMakerFailedOf) {
    EarlyOutput output([](const EarlyOutput::Take& take, const std::stop_token&) {
        take(as_bytes(std::string_view("begun")));
        throw SourceError("it failed");
    });
    std::string all;
    EXPECT_THROW(output.read([&](BytesView part) { all += as_text(part); }, {}), SourceError);
    EXPECT_EQ(all, "begun");
}

TEST(EarlyOutput, IsNotWaitedForAfterAStop) {
    EarlyOutput output([](const EarlyOutput::Take&, const std::stop_token& stop) {
        std::promise<void> told;
        const std::stop_callback tell(stop, [&told] { told.set_value(); });
        told.get_future().wait();
        throw Cancelled();
    });
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(output.read([](BytesView) {}, stop.get_token()), Cancelled);
}

}  // namespace
}  // namespace dbbackup::postgres
