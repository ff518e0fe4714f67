#include "storage/gcs/gcs_place.hpp"

#include "base/error.hpp"
#include "support/wrong_urls.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

GcsPlace place_of(const std::string& url, const std::optional<std::string>& emulator = {}) {
    return gcs_place(StorageUrl::parse(url), [&](const char* name) {
        return std::string_view(name) == "STORAGE_EMULATOR_HOST" ? emulator : std::nullopt;
    });
}

TEST(GcsPlace, IsGooglesByDefault) {
    const GcsPlace place = place_of("gs://shop-backups/prod/a?ca_file=/etc/ca.crt");
    EXPECT_EQ(place.bucket, "shop-backups");
    EXPECT_EQ(place.prefix, "prod/a/");
    EXPECT_EQ(place.server, "https://storage.googleapis.com");
    EXPECT_EQ(place.ca_file, "/etc/ca.crt");
    EXPECT_EQ(place.url, "gs://shop-backups/prod/a");
    EXPECT_FALSE(place.is_anonymous);
    EXPECT_EQ(place_of("gs://shop").prefix, "");
}

TEST(GcsPlace, IsWhereTheEndpointSays) {
    EXPECT_EQ(place_of("gs://shop?endpoint=http://127.0.0.1:4443/").server,
              "http://127.0.0.1:4443");
    EXPECT_EQ(place_of("gs://shop?endpoint=storage.example:443").server, "https://storage.example");
}

TEST(GcsPlace, AnEmulatorWantsToKnowNobody) {
    for (const char* emulator :
         {"emulator:4443", "http://emulator:4443", "http://emulator:4443/storage/v1/"}) {
        const GcsPlace place = place_of("gs://shop", emulator);
        EXPECT_EQ(place.server, "http://emulator:4443");
        EXPECT_TRUE(place.is_anonymous);
    }
    const GcsPlace place = place_of("gs://shop?endpoint=https://storage.example", "emulator:4443");
    EXPECT_EQ(place.server, "https://storage.example");
    EXPECT_FALSE(place.is_anonymous) << "the URL says where, whatever a variable says";
}

TEST(GcsPlace, ATokenDoesNotLeaveThisMachineInTheClear) {
    for (const char* url : {"https://x", "http://127.0.0.1", "http://127.1.2.3:1/a",
                            "http://localhost:4443", "http://[::1]:80"}) {
        EXPECT_TRUE(is_private_way(url)) << url;
    }
    for (const char* url : {"http://x", "http://127.0.0.1.example", "http://localhost.example",
                            "http://127.example", "ftp://127.0.0.1", "http://[::2]"}) {
        EXPECT_FALSE(is_private_way(url)) << url;
    }
}

TEST(GcsPlace, WrongUrlsSayWhatIsWrong) {
    expect_wrong_urls(
        {"gs://shop?endpont=x", "gs://shop?endpoint=ftp://x", "gs://shop?endpoint=https://x/y",
         "gs://shop?endpoint=http://x", "gs://sh%20op", "gs://.shop"},
        [](const std::string& url) { (void)place_of(url); });
}

}  // namespace
}  // namespace dbbackup
