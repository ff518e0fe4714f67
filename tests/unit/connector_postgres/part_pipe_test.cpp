#include "connector/postgres/part_pipe.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace dbbackup::postgres {
namespace {

TEST(PartPipe, GivesEachPartOnceAndInOrder) {
    PartPipe pipe;
    const std::jthread giver([&pipe] {
        for (int part = 0; part < 1000; ++part) {
            const std::string text = std::to_string(part) + ' ';
            pipe.give(as_bytes(text));
            pipe.give({});  // Nothing is not the end.
        }
        pipe.end();
    });
    std::string expected;
    for (int part = 0; part < 1000; ++part) {
        expected += std::to_string(part) + ' ';
    }
    std::string all;
    for (BytesView part = pipe.take(); !part.empty(); part = pipe.take()) {
        all += as_text(part);
    }
    EXPECT_EQ(all, expected);
    EXPECT_TRUE(pipe.take().empty()) << "the end stays";
}

TEST(PartPipe, TellsTheTakerWhatTheGiverFailedOf) {
    PartPipe pipe;
    const std::jthread giver([&pipe] {
        pipe.give(as_bytes(std::string_view("begun")));
        pipe.end(std::make_exception_ptr(SourceError("it failed")));
    });
    EXPECT_EQ(as_text(pipe.take()), "begun");
    EXPECT_THROW(static_cast<void>(pipe.take()), SourceError);
}

TEST(PartPipe, LetsTheGiverGoWhenNobodyTakes) {
    PartPipe pipe;
    bool is_cancelled = false;
    {
        const std::jthread giver([&] {
            try {
                pipe.give(as_bytes(std::string_view("one")));
                pipe.give(as_bytes(std::string_view("two")));
            } catch (const Cancelled&) {
                is_cancelled = true;
            }
        });
        static_cast<void>(pipe.take());
        pipe.abandon();
    }
    EXPECT_TRUE(is_cancelled);
}

}  // namespace
}  // namespace dbbackup::postgres
