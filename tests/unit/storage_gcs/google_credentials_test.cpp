/// @file
/// Where tokens come from. Services of Google are stood in for by a server that answers as their
/// documentation says; none of them was asked itself.

#include "storage/gcs/google_credentials.hpp"

#include "base/error.hpp"
#include "storage/cloud/service_answer.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"
#include "support/temporary_folder.hpp"
#include "test_key.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>

namespace dbbackup {
namespace {

class GoogleTokens : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_.path() / ".config/gcloud");
        std::filesystem::create_directory(folder_.path() / "other");
        environment_["HOME"] = folder_.path().string();
        environment_["NO_GCE_CHECK"] = "true";
    }

    std::unique_ptr<GoogleCredentialChain> chain() {
        return std::make_unique<GoogleCredentialChain>(
            [this](const char* name) {
                const auto found = environment_.find(name);
                return found == environment_.end() ? std::nullopt : std::optional(found->second);
            },
            clock_, http_, http_);
    }
    static std::string text_of(const GoogleToken& token) {
        return std::string(as_text(token.bearer.bytes()));
    }
    std::string found() { return text_of(*chain()->token({})); }

    /// Code of the error, which must not tell what is secret.
    std::string code_of_error(std::string* message = nullptr) {
        try {
            (void)found();
        } catch (const Error& error) {
            EXPECT_FALSE(error.hint().empty()) << error.what();
            for (const char* secret : {"PRIVATE KEY", "hidden"}) {
                EXPECT_EQ((error.what() + error.hint()).find(secret), std::string::npos);
            }
            if (message != nullptr) {
                *message = error.what();
            }
            return error.code();
        }
        return "none";
    }

    void name_file(const nlohmann::json& content) {
        environment_["GOOGLE_APPLICATION_CREDENTIALS"] =
            folder_.write("key.json", content.dump()).string();
    }

    static nlohmann::json service_account(const std::string& token_url) {
        return {{"type", "service_account"},
                {"client_email", "a@b.example"},
                {"private_key_id", "k1"},
                {"private_key", test_key_pem()},
                {"token_uri", token_url}};
    }
    static nlohmann::json user(const std::string& token_url) {
        return {{"type", "authorized_user"},
                {"client_id", "c d"},
                {"client_secret", "hidden/1"},
                {"refresh_token", "hidden+2"},
                {"token_uri", token_url}};
    }

    TemporaryFolder folder_;
    FakeClock clock_;  // 2026-11-22T14:00:00Z
    HttpClient http_{metadata_options()};
    std::map<std::string, std::string> environment_;
};

std::string token_answer(const std::string& token, int life_s) {
    return fmt::format(R"({{"access_token": "{}", "expires_in": {}, "token_type": "Bearer"}})",
                       token, life_s);
}

TEST_F(GoogleTokens, OfAServiceAccount) {
    HttpServer server(
        [](const SeenRequest&) { return HttpAnswer{200, {}, token_answer("T", 3600)}; });
    name_file(service_account(server.url() + "/token"));
    EXPECT_EQ(found(), "T");
    const SeenRequest seen = server.seen().at(0);
    EXPECT_EQ(seen.method + seen.target, "POST/token");
    EXPECT_EQ(seen.headers.at("content-type"), "application/x-www-form-urlencoded");
    const std::string start =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    ASSERT_TRUE(seen.body.starts_with(start)) << seen.body;
    const std::string token = seen.body.substr(start.size());
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    EXPECT_EQ(nlohmann::json::parse(decoded_base64url(token.substr(0, first))),
              (nlohmann::json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "k1"}}));
    const nlohmann::json claims = nlohmann::json::parse(decoded_base64url(token.substr(first + 1)));
    EXPECT_EQ(claims["iss"], "a@b.example");
    EXPECT_EQ(claims["aud"], server.url() + "/token");
    EXPECT_EQ(claims["scope"], "https://www.googleapis.com/auth/devstorage.read_write");
    EXPECT_EQ(claims["iat"], clock_.now().time_since_epoch() / std::chrono::seconds(1));
    EXPECT_EQ(claims["exp"].get<int>() - claims["iat"].get<int>(), 3600);
    EXPECT_TRUE(
        is_signed_by_test_key(token.substr(0, last), decoded_base64url(token.substr(last + 1))));
}

TEST_F(GoogleTokens, OfAUserWhoLoggedIn) {
    HttpServer server(
        [](const SeenRequest&) { return HttpAnswer{200, {}, token_answer("U", 3600)}; });
    const std::string text = user(server.url()).dump();
    folder_.write("other/application_default_credentials.json", text);
    environment_["CLOUDSDK_CONFIG"] = (folder_.path() / "other").string();
    EXPECT_EQ(found(), "U");
    EXPECT_EQ(server.seen().at(0).body,
              "grant_type=refresh_token&client_id=c%20d&client_secret=hidden%2F1"
              "&refresh_token=hidden%2B2");
    environment_.erase("CLOUDSDK_CONFIG");
    EXPECT_EQ(code_of_error(), "credentials_missing");
    folder_.write(".config/gcloud/application_default_credentials.json", text);
    EXPECT_EQ(found(), "U");
}

TEST_F(GoogleTokens, AreRenewedBeforeTheyEnd) {
    int given = 0;
    HttpServer server([&given](const SeenRequest&) {
        return HttpAnswer{200, {}, token_answer(fmt::format("T{}", ++given), 1800)};
    });
    name_file(user(server.url()));
    const auto chain = this->chain();
    EXPECT_EQ(text_of(*chain->token({})), "T1");
    clock_.advance(std::chrono::minutes(20));
    EXPECT_EQ(text_of(*chain->token({})), "T1");
    clock_.advance(std::chrono::minutes(6));
    EXPECT_EQ(text_of(*chain->token({})), "T2");
    const auto refused = chain->token({});
    chain->forget(refused);
    EXPECT_EQ(text_of(*chain->token({})), "T3");
    chain->forget(refused);  // Another thread was faster.
    EXPECT_EQ(text_of(*chain->token({})), "T3");
}

TEST_F(GoogleTokens, OfTheMachine) {
    HttpServer server([](const SeenRequest& seen) {
        const auto flavor = seen.headers.find("metadata-flavor");
        const bool is_right =
            flavor != seen.headers.end() && flavor->second == "Google" &&
            seen.target == "/computeMetadata/v1/instance/service-accounts/default/token";
        return is_right ? HttpAnswer{200, {{"Metadata-Flavor", "Google"}}, token_answer("M", 3600)}
                        : HttpAnswer{403, {}, ""};
    });
    environment_["GCE_METADATA_HOST"] = server.url().substr(7);
    EXPECT_EQ(code_of_error(), "credentials_missing") << "it is switched off";
    environment_.erase("NO_GCE_CHECK");
    EXPECT_EQ(found(), "M");
}

TEST_F(GoogleTokens, AMachineThatGaveOneIsWaitedFor) {
    HttpServer server(HttpAnswer{200, {{"Metadata-Flavor", "Google"}}, token_answer("M", 60)});
    environment_["GCE_METADATA_HOST"] = server.url().substr(7);
    environment_.erase("NO_GCE_CHECK");
    const auto chain = this->chain();
    EXPECT_EQ(text_of(*chain->token({})), "M");
    server.answer_with({.hangs_up = true});
    try {
        (void)chain->token({});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.retry(), Retry::may_help) << error.what();
    }
}

/// Other clouds answer at the same address.
TEST_F(GoogleTokens, OfAnotherCloudsMachineThereAreNone) {
    HttpServer server(
        [](const SeenRequest&) { return HttpAnswer{200, {}, token_answer("X", 3600)}; });
    environment_["GCE_METADATA_HOST"] = server.url().substr(7);
    environment_.erase("NO_GCE_CHECK");
    EXPECT_EQ(code_of_error(), "credentials_missing");
}

TEST_F(GoogleTokens, MissingOnesAreNamedWithAllPlaces) {
    std::string message;
    EXPECT_EQ(code_of_error(&message), "credentials_missing");
    for (const char* place : {"GOOGLE_APPLICATION_CREDENTIALS",
                              "/.config/gcloud/application_default_credentials.json", "metadata"}) {
        EXPECT_NE(message.find(place), std::string::npos) << message;
    }
}

TEST_F(GoogleTokens, FilesThatCannotBeUsed) {
    std::string message;
    environment_["GOOGLE_APPLICATION_CREDENTIALS"] = (folder_.path() / "absent").string();
    EXPECT_EQ(code_of_error(&message), "credentials_unusable");
    EXPECT_NE(message.find("absent"), std::string::npos) << message;
    for (const nlohmann::json& content :
         {nlohmann::json("text"), nlohmann::json::object(),
          nlohmann::json{{"type", "external_account"}, {"a", {{"b", {{"c", {{"d", 1.5}}}}}}}},
          nlohmann::json{{"type", "service_account"}, {"client_email", "a"}},
          nlohmann::json{{"type", "authorized_user"}, {"client_id", "a"}, {"client_secret", 1}}}) {
        name_file(content);
        EXPECT_EQ(code_of_error(&message), "credentials_unusable") << content;
        EXPECT_NE(message.find("key.json"), std::string::npos) << message;
        if (content.is_object() && content.value("type", "") == "external_account") {
            EXPECT_NE(message.find("'external_account'"), std::string::npos) << message;
        }
    }
    name_file(service_account("http://example.com/token"));
    EXPECT_EQ(code_of_error(), "credentials_unusable") << "it would be sent in the clear";
    nlohmann::json wrong = service_account("https://127.0.0.1:1/");
    wrong["private_key"] = "hidden";
    name_file(wrong);
    EXPECT_EQ(code_of_error(), "credentials_unusable");
}

TEST_F(GoogleTokens, RefusalsSayWhatToDo) {
    HttpServer server(HttpAnswer{});
    name_file(service_account(server.url()));
    const auto code_of = [&](int status, const std::string& error, const std::string& description) {
        server.answer_with(
            {status,
             {},
             fmt::format(R"({{"error": "{}", "error_description": "{}"}})", error, description)});
        return code_of_error();
    };
    EXPECT_EQ(code_of(400, "invalid_grant", "Invalid JWT Signature."), "credentials_refused");
    EXPECT_EQ(code_of(400, "invalid_grant", "Invalid grant: account not found"),
              "credentials_refused");
    EXPECT_EQ(code_of(400, "invalid_grant", "Token has been expired or revoked."),
              "credentials_expired");
    EXPECT_EQ(code_of(400, "invalid_grant", "reauth related error (invalid_rapt)"),
              "credentials_expired");
    EXPECT_EQ(code_of(400, "invalid_grant",
                      "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
                      "reasonable timeframe. Check your iat and exp values in the JWT claim."),
              "clock_skewed");
    EXPECT_EQ(code_of(401, "invalid_client", "Unauthorized"), "credentials_refused");
    for (const HttpAnswer& passing :
         {HttpAnswer{503, {{"Retry-After", "7"}}, "busy"}, HttpAnswer{200, {}, "{}"},
          HttpAnswer{200, {}, R"({"access_token": "a\r\nb: c"})"}}) {
        server.answer_with(passing);
        try {
            (void)found();
            ADD_FAILURE() << "nothing was thrown";
        } catch (const StorageError& error) {
            EXPECT_EQ(error.retry(), Retry::may_help) << error.what();
            EXPECT_EQ(std::string(error.what()).find("busy"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace dbbackup
