#include "storage/s3/s3_place.hpp"

#include "base/error.hpp"
#include "support/wrong_urls.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

S3Place place_of(const std::string& url) { return s3_place(StorageUrl::parse(url), "us-east-1"); }

TEST(S3Place, IsInAwsByDefault) {
    const S3Place place = place_of("s3://shop-backups/prod/a?region=eu-central-1");
    EXPECT_EQ(place.bucket, "shop-backups");
    EXPECT_EQ(place.prefix, "prod/a/");
    EXPECT_EQ(place.region, "eu-central-1");
    EXPECT_EQ(place.scheme, "https");
    EXPECT_EQ(place.host, "shop-backups.s3.eu-central-1.amazonaws.com");
    EXPECT_EQ(place.root, "");
    EXPECT_EQ(place.url, "s3://shop-backups/prod/a");
    EXPECT_EQ(place_of("s3://shop").prefix, "");
    EXPECT_EQ(place_of("s3://shop").region, "us-east-1");
}

TEST(S3Place, ANameWithDotsIsInNoCertificate) {
    const S3Place place = place_of("s3://shop.example/x");
    EXPECT_EQ(place.host, "s3.us-east-1.amazonaws.com");
    EXPECT_EQ(place.root, "/shop.example");
}

TEST(S3Place, IsWhereTheEndpointSays) {
    const S3Place place = place_of("s3://shop/x?endpoint=http://127.0.0.1:9000/");
    EXPECT_EQ(place.scheme, "http");
    EXPECT_EQ(place.host, "127.0.0.1:9000");
    EXPECT_EQ(place.root, "/shop");
    EXPECT_EQ(place_of("s3://shop?endpoint=s3.example:443").host, "s3.example");
    EXPECT_EQ(place_of("s3://shop?endpoint=s3.example").scheme, "https");
    const S3Place virtual_host = place_of("s3://shop?endpoint=https://s3.example&path_style=false");
    EXPECT_EQ(virtual_host.host, "shop.s3.example");
    EXPECT_EQ(virtual_host.root, "");
}

TEST(S3Place, SaysHowObjectsAreKept) {
    const S3Place place = place_of(
        "s3://shop?object_lock=compliance:30&sse=aws:kms&kms_key=alias/x&storage_class=GLACIER_IR");
    EXPECT_EQ(place.lock, (ObjectLock{LockMode::compliance, std::chrono::days(30)}));
    EXPECT_EQ(place.encryption, "aws:kms");
    EXPECT_EQ(place.kms_key, "alias/x");
    EXPECT_EQ(place.storage_class, "GLACIER_IR");
    EXPECT_EQ(place_of("s3://shop?kms_key=alias/x").encryption, "aws:kms");
    EXPECT_EQ(place_of("s3://shop").lock, std::nullopt);
}

TEST(S3Place, WrongUrlsSayWhatIsWrong) {
    expect_wrong_urls(
        {"s3://shop?endpont=x", "s3://shop?path_style=1", "s3://shop?endpoint=ftp://x",
         "s3://shop?endpoint=http://x/y", "s3://shop?endpoint=http://", "s3://sh%20op",
         "s3://.shop", "s3://shop?object_lock=30", "s3://shop?object_lock=governance:0",
         "s3://shop?object_lock=governance:1x", "s3://shop?object_lock=forever:1",
         "s3://shop?sse=none", "s3://shop?sse=AES256&kms_key=x", "s3://shop?storage_class=A%0d%0aB",
         "s3://shop?storage_class=DEEP_ARCHIVE", "s3://shop?kms_key=a%20b", "s3://shop/../other",
         "s3://shop/a%2f..%2fb", "s3://shop/a/./b"},
        [](const std::string& url) { (void)place_of(url); });
}

}  // namespace
}  // namespace dbbackup
