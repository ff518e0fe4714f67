#include "storage/azure/azure_place.hpp"

#include "base/error.hpp"
#include "support/wrong_urls.hpp"

#include <gtest/gtest.h>

#include <map>

namespace dbbackup {
namespace {

using Environment = std::map<std::string, std::string>;

AzurePlace place_of(const std::string& url, const Environment& environment = {}) {
    return azure_place(StorageUrl::parse(url), [&environment](const char* name) {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    });
}

TEST(AzurePlace, IsInAzureByDefault) {
    const AzurePlace place = place_of("az://backups/prod/a?account=shop");
    EXPECT_EQ(place.account, "shop");
    EXPECT_EQ(place.container, "backups");
    EXPECT_EQ(place.prefix, "prod/a/");
    EXPECT_EQ(place.scheme, "https");
    EXPECT_EQ(place.host, "shop.blob.core.windows.net");
    EXPECT_EQ(place.root, "/backups");
    EXPECT_EQ(place.url, "az://backups/prod/a");
    EXPECT_TRUE(place.is_private());
    EXPECT_EQ(place_of("az://backups", {{"AZURE_STORAGE_ACCOUNT", "shop"}}).account, "shop");
}

TEST(AzurePlace, IsWhereTheEndpointSays) {
    const AzurePlace place = place_of("az://backups/x?endpoint=http://127.0.0.1:10000/test");
    EXPECT_EQ(place.account, "test");
    EXPECT_EQ(place.scheme, "http");
    EXPECT_EQ(place.host, "127.0.0.1:10000");
    EXPECT_EQ(place.root, "/test/backups");
    EXPECT_TRUE(place.is_private());
    EXPECT_FALSE(place_of("az://backups?endpoint=http://127.0.0.1.example/test").is_private());
    EXPECT_EQ(place_of("az://backups?endpoint=shop.blob.core.usgovcloudapi.net").account, "shop");
    const AzurePlace own = place_of("az://backups?endpoint=blobs.example&account=shop");
    EXPECT_EQ(own.host, "blobs.example");
    EXPECT_EQ(own.root, "/backups");
}

TEST(AzurePlace, IsThatOfTheConnectionString) {
    const Environment environment = {
        {"AZURE_STORAGE_CONNECTION_STRING",
         "AccountName=shop;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn"},
        {"AZURE_STORAGE_ACCOUNT", "other"}};
    EXPECT_EQ(place_of("az://backups", environment).host, "shop.blob.core.chinacloudapi.cn");
    const AzurePlace other = place_of("az://backups?account=other", environment);
    EXPECT_EQ(other.host, "other.blob.core.windows.net") << "it is another account's";
    const AzurePlace signature =
        place_of("az://backups",
                 {{"AZURE_STORAGE_CONNECTION_STRING",
                   "BlobEndpoint=https://sas.blob.core.windows.net/;SharedAccessSignature=sig=x"}});
    EXPECT_EQ(signature.account, "sas");
    EXPECT_EQ(signature.root, "/backups");
}

TEST(AzurePlace, AWrongConnectionStringIsNotTheUrlsFault) {
    try {
        (void)place_of("az://backups", {{"AZURE_STORAGE_CONNECTION_STRING",
                                         "AccountName=shop;BlobEndpoint=ftp://x"}});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "credentials_unusable");
    }
}

TEST(AzurePlace, WrongUrlsSayWhatIsWrong) {
    expect_wrong_urls(
        {"az://backups", "az://backups?acount=x", "az://backups?account=shop.blob",
         "az://backups?account=a/b", "az://backups?endpoint=ftp://x", "az://back%20ups?account=a",
         "az://backups/a/../b?account=a", "az://backups/a.?account=a", "az://backups//a?account=a",
         "az://backups/a%5Cb?account=a", "az://backups/a%01?account=a",
         "az://backups/%EF%BF%BE?account=a"},
        [](const std::string& url) { (void)place_of(url); });
}

}  // namespace
}  // namespace dbbackup
