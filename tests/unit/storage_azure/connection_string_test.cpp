#include "storage/azure/connection_string.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

std::string key_of(const ConnectionString& given) {
    return std::string(as_text(given.account_key.bytes()));
}

TEST(ConnectionString, IsReadAsThePortalGivesIt) {
    const ConnectionString given = parse_connection_string(
        "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=a2V5Cg==;"
        "EndpointSuffix=core.chinacloudapi.cn");
    EXPECT_EQ(given.account, "shop");
    EXPECT_EQ(key_of(given), "a2V5Cg==");
    EXPECT_EQ(given.endpoint, "https://shop.blob.core.chinacloudapi.cn");
    EXPECT_TRUE(given.sas.empty());
    EXPECT_EQ(parse_connection_string("AccountName=shop").endpoint,
              "https://shop.blob.core.windows.net");
}

TEST(ConnectionString, MayHaveASignatureAndAnEndpoint) {
    const ConnectionString given = parse_connection_string(
        " BlobEndpoint=https://shop.blob.core.windows.net/ ;\n"
        "QueueEndpoint=https://x;sharedaccesssignature=sv=1&sig=a%3D;");
    EXPECT_EQ(given.account, "");
    EXPECT_EQ(given.endpoint, "https://shop.blob.core.windows.net/");
    EXPECT_EQ(as_text(given.sas.bytes()), "sv=1&sig=a%3D");
}

TEST(ConnectionString, MayMeanTheEmulator) {
    const ConnectionString given = parse_connection_string("UseDevelopmentStorage=true");
    EXPECT_EQ(given.account, "devstoreaccount1");
    EXPECT_EQ(given.endpoint, "http://127.0.0.1:10000/devstoreaccount1");
    EXPECT_FALSE(given.account_key.empty());
}

TEST(ConnectionString, WrongOnesAreNotRepeated) {
    for (const char* text : {"hunter2", "AccountName=shop;hunter2", "=hunter2"}) {
        try {
            (void)parse_connection_string(text);
            ADD_FAILURE() << text;
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), "credentials_unusable");
            EXPECT_EQ((error.what() + error.hint()).find("hunter2"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace dbbackup
