/// @file
/// Where credentials come from, and which place wins.

#include "storage/azure/azure_credentials.hpp"

#include "base/error.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace dbbackup {
namespace {

class AzureCredentialsTest : public testing::Test {
protected:
    void SetUp() override {
        // Nobody listens there.
        environment_["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:1";
    }

    AzureCredentialChain chain() {
        return {[this](const char* name) {
                    const auto found = environment_.find(name);
                    return found == environment_.end() ? std::nullopt
                                                       : std::optional(found->second);
                },
                clock_,
                {http_, http_},
                "shop"};
    }

    /// "KIND:secret".
    std::string found() {
        constexpr std::array kKinds = {"key", "sas", "bearer"};
        AzureCredentialChain chain = this->chain();
        const auto credentials = chain.get({});
        return fmt::format("{}:{}", kKinds.at(static_cast<std::size_t>(credentials->kind)),
                           as_text(credentials->secret.bytes()));
    }

    std::string code() {
        try {
            return found();
        } catch (const ConfigError& error) {
            EXPECT_EQ((error.what() + error.hint()).find("hunter2"), std::string::npos)
                << error.what();
            return error.code();
        }
    }

    FakeClock clock_;
    HttpClient http_{HttpOptions{}};
    std::map<std::string, std::string> environment_;
};

TEST_F(AzureCredentialsTest, OfTheFirstPlaceThatHasSome) {
    environment_["AZURE_STORAGE_SAS_TOKEN"] = "?sv=1&sig=a%3D\n";
    EXPECT_EQ(found(), "sas:sv=1&sig=a%3D");
    environment_["AZURE_STORAGE_KEY"] = "a2V5\n";
    EXPECT_EQ(found(), "key:key");
    environment_["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=shop;AccountKey=b3RoZXI=";
    EXPECT_EQ(found(), "key:other");
    environment_["AZURE_STORAGE_CONNECTION_STRING"] =
        "BlobEndpoint=https://shop.blob.core.windows.net;SharedAccessSignature=sig=x";
    EXPECT_EQ(found(), "sas:sig=x");
    environment_["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=shop";
    EXPECT_EQ(found(), "key:key") << "it has no credentials";
    environment_["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=another;AccountKey=b3RoZXI=";
    EXPECT_EQ(found(), "key:key") << "it is another account's";
}

TEST_F(AzureCredentialsTest, WrongOnesAreNotRepeated) {
    for (const char* text : {"hunter2!", "hunter2", "==="}) {
        environment_["AZURE_STORAGE_KEY"] = text;
        EXPECT_EQ(code(), "credentials_unusable") << text;
    }
    environment_.erase("AZURE_STORAGE_KEY");
    for (const char* text : {"hunter2", "sv=hunter2&mysig=x", "https://x/?sv=1&sig=hunter2",
                             "sig=hunter2#", "sig=hunter2 x"}) {
        environment_["AZURE_STORAGE_SAS_TOKEN"] = text;
        EXPECT_EQ(code(), "credentials_unusable") << text;
    }
}

TEST_F(AzureCredentialsTest, MissingOnesAreNamedWithAllPlaces) {
    environment_["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=another;AccountKey=hunter2=";
    environment_["AZURE_TENANT_ID"] = "half of it is nothing";
    try {
        (void)found();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "credentials_missing");
        const std::string text = error.what();
        for (const char* place : {"'shop'", "another account", "AZURE_STORAGE_KEY",
                                  "AZURE_FEDERATED_TOKEN_FILE", "managed identity"}) {
            EXPECT_NE(text.find(place), std::string::npos) << place;
        }
    }
}

TEST_F(AzureCredentialsTest, AreRenewedBeforeTheyEnd) {
    int count = 0;
    HttpServer server([&count](const SeenRequest&) {
        ++count;
        return HttpAnswer{200,
                          {},
                          fmt::format(R"({{"access_token": "t{}", "expires_on": "{}"}})", count,
                                      1795356000 + count * 3600)};
    });
    environment_["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.url();
    AzureCredentialChain chain = this->chain();  // 2026-11-22T14:00:00Z is 1795356000.
    const auto token = [&chain] { return std::string(as_text(chain.get({})->secret.bytes())); };
    EXPECT_EQ(token(), "t1");
    clock_.advance(std::chrono::minutes(54));
    EXPECT_EQ(token(), "t1");
    clock_.advance(std::chrono::minutes(2));
    EXPECT_EQ(token(), "t2");
    chain.forget(chain.get({}));
    EXPECT_EQ(token(), "t3");
}

TEST_F(AzureCredentialsTest, AServiceThatGaveATokenIsAskedAgain) {
    const HttpAnswer good{200, {}, R"({"access_token": "t", "expires_on": "1795356060"})"};
    HttpServer server(good);
    environment_["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.url();
    AzureCredentialChain chain = this->chain();
    EXPECT_NO_THROW((void)chain.get({}));
    for (const HttpAnswer& bad : {HttpAnswer{410, {}, ""}, HttpAnswer{.hangs_up = true}}) {
        server.answer_with(bad);
        try {
            (void)chain.get({});
            ADD_FAILURE() << "nothing was thrown";
        } catch (const StorageError& error) {
            EXPECT_EQ(error.retry(), Retry::may_help) << error.what();
        }
    }
    server.answer_with(good);
    EXPECT_NO_THROW((void)chain.get({}));
}

TEST(SasExpiry, IsReadInEveryFormOfIt) {
    const auto expiry = [](const std::string& text) {
        return sas_expiry("sv=1&" + text + "&sig=x").value_or(std::chrono::sys_seconds());
    };
    constexpr std::chrono::sys_seconds kTime{std::chrono::seconds(1795356000)};
    EXPECT_EQ(expiry("se=2026-11-22T14:00:00Z"), kTime);
    EXPECT_EQ(expiry("se=2026-11-22T14%3A00%3a00Z"), kTime);
    EXPECT_EQ(expiry("se=2026-11-22T14:00Z"), kTime);
    EXPECT_EQ(expiry("se=2026-11-22"), kTime - std::chrono::hours(14));
    EXPECT_FALSE(sas_expiry("ske=2026-11-22&sse=2026-11-22&sig=x"));
    EXPECT_FALSE(sas_expiry("se=soon&sig=x"));
}

}  // namespace
}  // namespace dbbackup
