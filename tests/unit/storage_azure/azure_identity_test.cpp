/// @file
/// Tokens from services. They are stood in for by a server that answers as Microsoft documents it;
/// none of them was asked itself.

#include "storage/azure/azure_identity.hpp"

#include "base/error.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace dbbackup {
namespace {

constexpr const char* kResource = "resource=https%3A%2F%2Fstorage.azure.com%2F";

class AzureIdentity : public testing::Test {
protected:
    ReadVariable variable() {
        return [this](const char* name) {
            const auto found = environment_.find(name);
            return found == environment_.end() ? std::nullopt : std::optional(found->second);
        };
    }

    /// "token until SECONDS", or "nothing".
    static std::string text_of(const std::optional<Expiring<AzureCredentials>>& found) {
        if (!found) {
            return "nothing";
        }
        EXPECT_EQ(found->value->kind, AzureCredentials::Kind::bearer);
        return fmt::format("{} until {}", as_text(found->value->secret.bytes()),
                           found->expires_at.value().time_since_epoch().count());
    }
    std::string entra() { return text_of(entra_token(http_, variable(), clock_, {})); }
    std::string app() { return text_of(app_token(http_, variable(), {})); }
    std::string machine() {
        return text_of(machine_token(http_, variable(), KnownService::no, {}));
    }

    /// Code and message of what is thrown.
    std::pair<std::string, std::string> entra_error() {
        try {
            return {"none", entra()};
        } catch (const Error& error) {
            return {error.code(), error.what()};
        }
    }

    FakeClock clock_;  // 1795356000
    HttpClient http_{HttpOptions{}};
    TemporaryFolder folder_;
    std::map<std::string, std::string> environment_;
};

TEST_F(AzureIdentity, OfAServicePrincipal) {
    HttpServer server([](const SeenRequest& seen) {
        const bool is_right = seen.method == "POST" && seen.target == "/tenant/oauth2/v2.0/token" &&
                              seen.body ==
                                  "grant_type=client_credentials&client_id=client&"
                                  "scope=https%3A%2F%2Fstorage.azure.com%2F.default&"
                                  "client_secret=hunter2%26";
        return is_right ? HttpAnswer{200, {}, R"({"token_type": "Bearer", "expires_in": 3599,
                                                  "access_token": "s"})"}
                        : HttpAnswer{400, {}, ""};
    });
    environment_ = {{"AZURE_AUTHORITY_HOST", server.url() + "/"}, {"AZURE_TENANT_ID", "tenant"}};
    environment_["AZURE_CLIENT_SECRET"] = "hunter2&";
    EXPECT_EQ(entra(), "nothing");
    environment_["AZURE_CLIENT_ID"] = "client";
    EXPECT_EQ(entra(), "s until 1795359599");
}

TEST_F(AzureIdentity, OfAWorkload) {
    HttpServer server([](const SeenRequest& seen) {
        return seen.body.ends_with(
                   "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-"
                   "assertion-type%3Ajwt-bearer&client_assertion=jwt")
                   ? HttpAnswer{200, {}, R"({"expires_in": "60", "access_token": "w"})"}
                   : HttpAnswer{400, {}, ""};
    });
    environment_ = {{"AZURE_AUTHORITY_HOST", server.url()},
                    {"AZURE_TENANT_ID", "tenant"},
                    {"AZURE_CLIENT_ID", "client"},
                    {"AZURE_FEDERATED_TOKEN_FILE", (folder_.path() / "token").string()}};
    EXPECT_THROW((void)entra(), StorageError) << "the file is not there";
    folder_.write("token", "jwt\n");
    EXPECT_EQ(entra(), "w until 1795356060");
}

TEST_F(AzureIdentity, RefusalsSayWhatToDo) {
    int status = 401;
    std::string body = R"({"error": "invalid_client", "error_codes": [7000215],
                           "error_description": "AADSTS7000215: hunter2"})";
    HttpServer server([&](const SeenRequest&) { return HttpAnswer{status, {}, body}; });
    environment_ = {{"AZURE_AUTHORITY_HOST", server.url()},
                    {"AZURE_TENANT_ID", "tenant"},
                    {"AZURE_CLIENT_ID", "client"},
                    {"AZURE_CLIENT_SECRET", "hunter2"}};
    EXPECT_EQ(entra_error(), std::pair(std::string("credentials_refused"),
                                       std::string("Microsoft Entra ID answers 401 invalid_client "
                                                   "(AADSTS7000215)")));
    body = R"({"error": "invalid_client", "error_codes": [7000222]})";
    EXPECT_EQ(entra_error().first, "credentials_expired");
    body = "<html>";
    EXPECT_EQ(entra_error().first, "credentials_refused");
    status = 503;
    EXPECT_EQ(entra_error().first, "storage");
    status = 200;
    EXPECT_EQ(entra_error().second, "Microsoft Entra ID gives no token");
    environment_["AZURE_AUTHORITY_HOST"] = "http://login.example";
    EXPECT_EQ(entra_error().first, "credentials_unusable")
        << "a secret must not leave this machine in the clear";
}

TEST_F(AzureIdentity, OfAnApp) {
    HttpServer server([](const SeenRequest& seen) {
        const auto header = seen.headers.find("x-identity-header");
        const bool is_right =
            header != seen.headers.end() && header->second == "let me" &&
            seen.target == fmt::format("/msi?api-version=2019-08-01&{}", kResource);
        return is_right ? HttpAnswer{200, {}, R"({"access_token": "a",
                                                  "expires_on": "1795360000"})"}
                        : HttpAnswer{401, {}, ""};
    });
    environment_["IDENTITY_ENDPOINT"] = server.url() + "/msi";
    EXPECT_EQ(app(), "nothing");
    environment_["IDENTITY_HEADER"] = "let me";
    EXPECT_EQ(app(), "a until 1795360000");
    environment_["IDENTITY_HEADER"] = "another";
    EXPECT_THROW((void)app(), StorageError);
}

TEST_F(AzureIdentity, OfAMachine) {
    int status = 200;
    HttpServer server([&status](const SeenRequest& seen) {
        const std::string target =
            fmt::format("/metadata/identity/oauth2/token?api-version=2018-02-01&{}", kResource);
        const auto header = seen.headers.find("metadata");
        const bool is_right = header != seen.headers.end() && header->second == "true" &&
                              (seen.target == target || seen.target == target + "&client_id=mine");
        return is_right ? HttpAnswer{status, {}, R"({"access_token": "m",
                                                     "expires_on": "1795360000"})"}
                        : HttpAnswer{404, {}, ""};
    });
    environment_["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.url() + "/";
    EXPECT_EQ(machine(), "m until 1795360000");
    environment_["AZURE_CLIENT_ID"] = "mine";
    EXPECT_EQ(machine(), "m until 1795360000");
    status = 400;
    EXPECT_EQ(machine(), "nothing") << "the machine has no identity";
    status = 503;
    EXPECT_THROW((void)machine(), StorageError);
    environment_["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:1";
    EXPECT_EQ(machine(), "nothing");
}

}  // namespace
}  // namespace dbbackup
