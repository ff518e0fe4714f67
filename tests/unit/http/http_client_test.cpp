#include "http/http_client.hpp"

#include "support/http_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace dbbackup {
namespace {

/// @param stall_timeout Long where nothing stalls: the server's thread may have to wait for a core.
HttpOptions quick(std::chrono::seconds stall_timeout = std::chrono::seconds(30)) {
    HttpOptions options;
    options.connect_timeout = std::chrono::seconds(30);
    options.stall_timeout = stall_timeout;
    options.body_bytes_max = 100'000;
    return options;
}

HttpRequest request_of(std::string method, std::string url, std::string_view body = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.url = std::move(url);
    request.body = as_bytes(body);
    return request;
}

/// Sends one request that must not be answered. @return The error.
StorageError failure_of(HttpClient& client, const HttpRequest& request) {
    try {
        const HttpResponse response = client.send(request, {});
        ADD_FAILURE() << "answered " << response.status;
    } catch (const StorageError& error) {
        return error;
    }
    return StorageError("none");
}

TEST(HttpClient, ALineBreakMakesNoHeader) {
    HttpServer server([](const SeenRequest&) { return HttpAnswer{}; });
    HttpClient client(quick());
    HttpRequest request = request_of("GET", server.url());
    for (const char* const value : {"key\r\nx-other: 1", "a\nb", "a\r"}) {
        request.headers = {{"authorization", value}};
        const StorageError error = failure_of(client, request);
        EXPECT_EQ(std::string(error.what()).find("key"), std::string::npos) << error.what();
    }
    EXPECT_TRUE(server.seen().empty());
}

TEST(HttpClient, SendsAndReceivesWholeMessages) {
    HttpServer server([](const SeenRequest& seen) {
        return HttpAnswer{201, {{"X-Said", "  hello "}}, "got " + seen.body};
    });
    HttpClient client(quick());
    const std::string body(70'000, 'b');
    HttpRequest request = request_of("PUT", server.url() + "/a%20b/../c?x=%2F", body);
    request.headers = {{"x-one", "1"}, {"x-empty", ""}};
    const HttpResponse response = client.send(request, {});
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.header("x-said"), "hello");
    EXPECT_EQ(response.header("x-other"), std::nullopt);
    EXPECT_EQ(as_text(response.body), "got " + body);
    const SeenRequest seen = server.seen().at(0);
    EXPECT_EQ(seen.method, "PUT");
    EXPECT_EQ(seen.target, "/a%20b/../c?x=%2F") << "what was signed must be what is sent";
    EXPECT_EQ(seen.headers.at("x-one"), "1");
    EXPECT_EQ(seen.headers.at("x-empty"), "");
    EXPECT_FALSE(seen.headers.contains("expect"));
    EXPECT_FALSE(seen.headers.contains("transfer-encoding"));
}

TEST(HttpClient, KeepsConnections) {
    HttpServer server([](const SeenRequest&) { return HttpAnswer{}; });
    HttpClient client(quick());
    for (const char* method : {"GET", "PUT", "HEAD", "DELETE", "GET"}) {
        EXPECT_EQ(client.send(request_of(method, server.url() + "/"), {}).status, 200);
    }
    for (const SeenRequest& seen : server.seen()) {
        EXPECT_EQ(seen.connection, 0U) << seen.method;
    }
}

TEST(HttpClient, ServesSeveralThreads) {
    HttpServer server([](const SeenRequest& seen) { return HttpAnswer{200, {}, seen.target}; });
    HttpClient client(quick());
    std::atomic<int> wrong = 0;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&, thread] {
                for (int count = 0; count < 20; ++count) {
                    const std::string target = "/" + std::to_string(thread * 100 + count);
                    const auto response = client.send(request_of("GET", server.url() + target), {});
                    wrong += as_text(response.body) == target ? 0 : 1;
                }
            });
        }
    }
    EXPECT_EQ(wrong, 0);
}

TEST(HttpClient, FollowsNoRedirect) {
    HttpServer server([](const SeenRequest&) {
        return HttpAnswer{307, {{"Location", "http://127.0.0.1:1/elsewhere"}}, ""};
    });
    EXPECT_EQ(HttpClient(quick()).send(request_of("GET", server.url() + "/"), {}).status, 307);
}

TEST(HttpClient, BrokenAnswersMayBeTriedAgain) {
    HttpServer server(HttpAnswer{.body = "truncated", .missing_bytes = 3});
    HttpClient client(quick());
    EXPECT_EQ(failure_of(client, request_of("GET", server.url() + "/?secret=1")).retry(),
              Retry::may_help);
    server.answer_with({.hangs_up = true});
    const StorageError error = failure_of(client, request_of("GET", server.url() + "/?secret=1"));
    EXPECT_EQ(error.retry(), Retry::may_help);
    EXPECT_EQ(error.code(), "server_unreachable");
    EXPECT_FALSE(error.hint().empty());
    EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    server.answer_with({.stalls = true});
    HttpClient impatient(quick(std::chrono::seconds(1)));
    EXPECT_EQ(failure_of(impatient, request_of("GET", server.url() + "/")).retry(),
              Retry::may_help);
}

TEST(HttpClient, AnAnswerThatEndsInItsHeadIsNone) {
    HttpServer server(HttpAnswer{.ends_in_head = true});
    HttpClient client(quick());
    for (const char* const method : {"GET", "HEAD", "PUT", "DELETE"}) {
        const HttpRequest request = request_of(method, server.url() + "/");
        EXPECT_EQ(failure_of(client, request).retry(), Retry::may_help) << method;
    }
}

/// A put that creates only what is absent must know that it was there before.
TEST(HttpClient, NothingIsStoredTwiceBehindTheCallersBack) {
    HttpServer server(HttpAnswer{});
    HttpClient client(quick());
    for (const char* const method : {"PUT", "POST", "PATCH"}) {
        for (const char* const body : {"", "body"}) {
            server.answer_with({});
            const HttpRequest request = request_of(method, server.url() + "/", body);
            EXPECT_EQ(client.send(request, {}).status, 200);
            const std::size_t before = server.seen().size();
            server.answer_with({.hangs_up = true});
            const StorageError error = failure_of(client, request);
            EXPECT_EQ(error.retry(), Retry::may_help) << method << body;
            EXPECT_EQ(server.seen().size(), before + 1) << method << body;
        }
    }
}

TEST(HttpClient, NobodyThereMayComeBack) {
    std::string url;
    {
        HttpServer server([](const SeenRequest&) { return HttpAnswer{}; });
        url = server.url();
    }
    HttpClient client(quick());
    const StorageError error = failure_of(client, request_of("GET", url + "/"));
    EXPECT_EQ(error.retry(), Retry::may_help);
    EXPECT_NE(std::string(error.what()).find(url), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
}

TEST(HttpClient, RefusesMoreThanItWasToldToTake) {
    HttpServer server(
        [](const SeenRequest&) { return HttpAnswer{200, {}, std::string(100'001, 'x')}; });
    HttpClient client(quick());
    EXPECT_EQ(failure_of(client, request_of("GET", server.url() + "/")).retry(), Retry::never);
}

TEST(HttpClient, StopsWithinASecond) {
    std::stop_source source;
    HttpServer server([&source](const SeenRequest&) {
        source.request_stop();
        HttpAnswer answer;
        answer.stalls = true;
        return answer;
    });
    HttpClient client(quick());
    EXPECT_THROW((void)client.send(request_of("GET", server.url() + "/"), source.get_token()),
                 Cancelled);
    EXPECT_THROW((void)client.send(request_of("GET", server.url() + "/"), source.get_token()),
                 Cancelled);
    EXPECT_EQ(server.seen().size(), 1U) << "once stopped, nothing is sent";
}

}  // namespace
}  // namespace dbbackup
