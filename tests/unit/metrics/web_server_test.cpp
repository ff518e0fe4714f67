#include "metrics/web_server.hpp"

#include "http/http_client.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace dbbackup {
namespace {

class WebServerTest : public testing::Test {
protected:
    static WebAnswer answer(std::string_view path) {
        if (path == "/throws") {
            throw std::runtime_error("a secret");
        }
        return path == "/there" ? WebAnswer{.body = "here\n"}
                                : WebAnswer{.status = 404, .body = "no\n"};
    }
    HttpResponse ask(const std::string& method, const std::string& path,
                     const std::string& body = {}) {
        return client_.send(
            {.method = method, .url = server_.url() + path, .headers = {}, .body = as_bytes(body)},
            {});
    }
    static std::string text_of(const HttpResponse& response) {
        return {response.body.begin(), response.body.end()};
    }

    WebServer server_{{"127.0.0.1", 0}, &WebServerTest::answer};
    HttpClient client_{HttpOptions{}};
};

TEST_F(WebServerTest, AnswersWhatIsThere) {
    const HttpResponse there = ask("GET", "/there?and=more");
    EXPECT_EQ(there.status, 200);
    EXPECT_EQ(text_of(there), "here\n");
    EXPECT_EQ(there.header("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(ask("GET", "/elsewhere").status, 404);
}

TEST_F(WebServerTest, TakesNothing) {
    const HttpResponse refused = ask("POST", "/there", "x");
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.header("allow"), "GET, HEAD");
    try {
        EXPECT_EQ(ask("POST", "/there", std::string(1 << 20, 'x')).status, 405);
    } catch (const HttpError&) {
        SUCCEED() << "the connection was closed before all of it was sent";
    }
    EXPECT_EQ(ask("DELETE", "/there").status, 405);
    EXPECT_EQ(ask("GET", "/there").status, 200);
}

TEST_F(WebServerTest, WhatGoesWrongIsNotTold) {
    const HttpResponse failed = ask("GET", "/throws");
    EXPECT_EQ(failed.status, 500);
    EXPECT_EQ(text_of(failed), "");
}

TEST_F(WebServerTest, APortHasOneOwner) {
    const std::string& url = server_.url();
    const auto port = static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
    try {
        const WebServer second({"127.0.0.1", port}, &WebServerTest::answer);
        FAIL() << "two servers share a port";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "listen_failed");
        EXPECT_NE(std::string(error.what()).find("Address already in use"), std::string::npos);
    }
    EXPECT_EQ(ask("GET", "/there").status, 200);
}

TEST_F(WebServerTest, AnAddressOfAnotherMachineIsRefused) {
    EXPECT_THROW(WebServer({"192.0.2.1", 0}, &WebServerTest::answer), ConfigError);
}

}  // namespace
}  // namespace dbbackup
