/// @file
/// Where keys come from. Services of AWS are stood in for by a server that answers as their
/// documentation says; none of them was asked itself.

#include "storage/s3/aws_credentials.hpp"

#include "base/error.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace dbbackup {
namespace {

class AwsKeysTest : public testing::Test {
protected:
    void SetUp() override {
        environment_["HOME"] = folder_.path().string();
        environment_["AWS_EC2_METADATA_DISABLED"] = "true";
        std::filesystem::create_directory(folder_.path() / ".aws");
    }

    std::unique_ptr<AwsCredentialChain> chain() {
        return std::make_unique<AwsCredentialChain>(
            [this](const char* name) {
                const auto found = environment_.find(name);
                return found == environment_.end() ? std::nullopt : std::optional(found->second);
            },
            clock_, http_);
    }
    /// "ID:secret:token".
    static std::string text_of(const AwsKeys& keys) {
        return fmt::format("{}:{}:{}", keys.access_key_id, as_text(keys.secret_access_key.bytes()),
                           as_text(keys.session_token.bytes()));
    }
    std::string found() { return text_of(*chain()->keys({})); }

    static std::string document(const std::string& id, const std::string& expiration) {
        return fmt::format(R"({{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "s",
                               "Token": "t", "Expiration": "{}"}})",
                           id, expiration);
    }

    TemporaryFolder folder_;
    FakeClock clock_;  // 2026-11-22T14:00:00Z
    HttpClient http_{HttpOptions{}};
    std::map<std::string, std::string> environment_;
};

TEST_F(AwsKeysTest, OfTheEnvironmentComeFirst) {
    folder_.write(".aws/credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=f\n");
    EXPECT_EQ(found(), "F:f:");
    environment_["AWS_ACCESS_KEY_ID"] = "E";
    EXPECT_EQ(found(), "F:f:") << "half of them is none";
    environment_["AWS_SECRET_ACCESS_KEY"] = "e";
    EXPECT_EQ(found(), "E:e:");
    environment_["AWS_SESSION_TOKEN"] = "x";
    EXPECT_EQ(found(), "E:e:x");
}

TEST_F(AwsKeysTest, OfAProfile) {
    const auto other = folder_.write("other", "[shop]\naws_access_key_id=S\n");
    folder_.write(".aws/config", "[profile shop]\naws_secret_access_key=s\nregion=eu-north-1\n");
    environment_["AWS_SHARED_CREDENTIALS_FILE"] = other.string();
    environment_["AWS_PROFILE"] = "shop";
    EXPECT_EQ(found(), "S:s:");
    EXPECT_EQ(chain()->region(), "eu-north-1");
    environment_["AWS_DEFAULT_REGION"] = "eu-south-1";
    EXPECT_EQ(chain()->region(), "eu-south-1");
    environment_["AWS_REGION"] = "eu-west-1";
    EXPECT_EQ(chain()->region(), "eu-west-1");
}

TEST_F(AwsKeysTest, OfAProcess) {
    const std::string json = document("P", "2026-11-22T15:00:00Z");
    folder_.write("keys.json", json);
    folder_.write(".aws/config", fmt::format("[default]\ncredential_process = cat {}\n",
                                             (folder_.path() / "keys.json").string()));
    EXPECT_EQ(found(), "P:s:t");
    folder_.write(".aws/config", "[default]\ncredential_process = echo oops >&2; exit 3\n");
    try {
        (void)found();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_NE(std::string(error.what()).find("3: oops"), std::string::npos) << error.what();
    }
    folder_.write(".aws/config", "[default]\ncredential_process = yes\n");
    EXPECT_THROW((void)found(), StorageError) << "without end";
}

TEST_F(AwsKeysTest, AreRenewedBeforeTheyEnd) {
    folder_.write("keys.json", document("P1", "2026-11-22T14:30:00Z"));
    folder_.write(".aws/config", fmt::format("[default]\ncredential_process = cat {}\n",
                                             (folder_.path() / "keys.json").string()));
    const auto chain = this->chain();
    EXPECT_EQ(chain->keys({})->access_key_id, "P1");
    folder_.write("keys.json", document("P2", "2026-11-22T16:00:00Z"));
    clock_.advance(std::chrono::minutes(20));
    EXPECT_EQ(chain->keys({})->access_key_id, "P1");
    clock_.advance(std::chrono::minutes(6));
    EXPECT_EQ(chain->keys({})->access_key_id, "P2");
    folder_.write("keys.json", document("P3", "2026-11-22T16:00:00Z"));
    const auto refused = chain->keys({});
    EXPECT_EQ(refused->access_key_id, "P2");
    chain->forget(refused);
    EXPECT_EQ(chain->keys({})->access_key_id, "P3");
    chain->forget(refused);  // Another thread was faster.
    EXPECT_EQ(chain->keys({})->access_key_id, "P3");
}

TEST_F(AwsKeysTest, OfAContainer) {
    HttpServer server([](const SeenRequest& seen) {
        const auto token = seen.headers.find("authorization");
        return token != seen.headers.end() && token->second == "let me"
                   ? HttpAnswer{200, {}, document("C", "2026-11-22T15:00:00Z")}
                   : HttpAnswer{401, {}, ""};
    });
    environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url() + "/creds";
    EXPECT_THROW((void)found(), StorageError);
    environment_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] =
        folder_.write("token", "let me\n").string();
    EXPECT_EQ(found(), "C:s:t");
    for (const std::string url :
         {"http://example.com/creds", "http://127.0.0.1.example.com/creds",
          "http://localhost.example.com", "http://localhost@example.com/creds",
          "http://127.0.0.1:80@example.com/creds", "http://169.254.170.200/creds",
          "http://[::1].example.com", "http://localhost\\@example.com/", "ftp://127.0.0.1/"}) {
        environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
        EXPECT_THROW((void)found(), ConfigError)
            << url << ": a token must not leave this machine in the clear";
    }
}

/// Source: Amazon EC2 User Guide, "Use the Instance Metadata Service".
HttpAnswer metadata(const SeenRequest& seen) {
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    if (seen.method == "PUT" && seen.target == "/latest/api/token") {
        return {200, {}, "a token"};
    }
    const auto token = seen.headers.find("x-aws-ec2-metadata-token");
    if (token == seen.headers.end() || token->second != "a token") {
        return {401, {}, ""};
    }
    if (seen.target == roles) {
        return {200, {}, "backup-role"};
    }
    return seen.target == roles + "backup-role"
               ? HttpAnswer{200, {}, R"({"AccessKeyId": "M", "SecretAccessKey": "s", "Token": "t",
                                         "Expiration": "2026-11-22T20:00:00Z"})"}
               : HttpAnswer{404, {}, ""};
}

TEST_F(AwsKeysTest, OfTheMachine) {
    HttpServer server(metadata);
    environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url();
    EXPECT_THROW((void)found(), ConfigError) << "it is switched off";
    environment_.erase("AWS_EC2_METADATA_DISABLED");
    EXPECT_EQ(found(), "M:s:t");
}

TEST_F(AwsKeysTest, OfAWebIdentity) {
    HttpServer server([](const SeenRequest& seen) {
        const bool is_right =
            seen.method == "POST" && seen.body ==
                                         "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
                                         "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fb&"
                                         "RoleSessionName=db-backup&WebIdentityToken=jwt";
        return is_right ? HttpAnswer{200, {}, R"(<AssumeRoleWithWebIdentityResponse
 xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
 <SessionToken>t</SessionToken><SecretAccessKey>s</SecretAccessKey>
 <Expiration>2026-11-22T15:00:00Z</Expiration><AccessKeyId>W</AccessKeyId></Credentials>
 </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>)"}
                        : HttpAnswer{400, {}, ""};
    });
    environment_["AWS_ENDPOINT_URL_STS"] = server.url();
    environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = folder_.write("token", "jwt").string();
    environment_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/b";
    EXPECT_EQ(found(), "W:s:t");
}

TEST_F(AwsKeysTest, MissingOnesAreNamedWithAllPlaces) {
    environment_["AWS_PROFILE"] = "absent";
    try {
        (void)found();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "credentials_missing");
        EXPECT_NE(std::string(error.what()).find("absent"), std::string::npos);
        EXPECT_NE(error.hint().find("AWS_PROFILE"), std::string::npos);
    }
}

}  // namespace
}  // namespace dbbackup
