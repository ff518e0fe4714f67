#include "cli/output.hpp"

#include "base/error.hpp"
#include "captured_pipe.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <future>
#include <stop_token>
#include <string>

namespace dbbackup {
namespace {

TEST(Output, WritesTextAsItIs) {
    CapturedPipe pipe;
    Output output(OutputFormat::text, pipe.descriptor());
    output.text("one\n");
    output.text("two\n");
    EXPECT_EQ(pipe.taken(), "one\ntwo\n");
}

TEST(Output, WritesJsonEvenForNamesThatAreNoUtf8) {
    CapturedPipe pipe;
    Output output(OutputFormat::json, pipe.descriptor());
    EXPECT_FALSE(output.has_document());
    output.document({{"name", "a\xff"}});
    EXPECT_TRUE(output.has_document());
    EXPECT_EQ(nlohmann::json::parse(pipe.taken())["name"], "a\xef\xbf\xbd");
}

TEST(Output, FailsWhenTheDiskIsFull) {
    const File full = File::adopt(::open("/dev/full", O_WRONLY | O_CLOEXEC), "/dev/full");
    Output output(OutputFormat::text, full.descriptor());
    try {
        output.text("x");
        FAIL() << "a full disk was not noticed";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "output_failed");
        EXPECT_EQ(error.exit_code(), ExitCode::failure);
    }
}

TEST(Output, FailsWhenItIsClosed) {
    const File wrong_way = File::adopt(::open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
    Output output(OutputFormat::text, wrong_way.descriptor());
    EXPECT_THROW(output.text("x"), Error);
}

TEST(Output, DropsTheRestForAReaderThatWentAway) {
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    CapturedPipe pipe;
    pipe.close_reader();
    Output output(OutputFormat::text, pipe.descriptor());
    EXPECT_NO_THROW(output.text("x"));
    EXPECT_NO_THROW(output.text("y"));
    std::signal(SIGPIPE, before);
}

TEST(Output, StopsWaitingForAReaderThatDoesNotRead) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const File reader = File::adopt(ends[0], "pipe");
    const File writer = File::adopt(ends[1], "pipe");
    std::stop_source stop;
    Output output(OutputFormat::text, writer.descriptor());
    output.end_waiting_with(stop.get_token());
    std::future<void> written =
        std::async(std::launch::async, [&] { output.text(std::string(1 << 20, 'x')); });
    EXPECT_EQ(written.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
    stop.request_stop();
    EXPECT_THROW(written.get(), Cancelled);
}

TEST(Output, WritesWhatCanBeWrittenAfterAStop) {
    CapturedPipe pipe;
    std::stop_source stop;
    stop.request_stop();
    Output output(OutputFormat::text, pipe.descriptor());
    output.end_waiting_with(stop.get_token());
    output.text("cancelled\n");
    EXPECT_EQ(pipe.taken(), "cancelled\n");
}

}  // namespace
}  // namespace dbbackup
