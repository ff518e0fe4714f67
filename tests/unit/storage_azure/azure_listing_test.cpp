#include "storage/azure/azure_listing.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::chrono::sys_seconds kTime{std::chrono::seconds(784111777)};

TEST(BlobListing, IsReadAsAzureWritesIt) {
    const auto listing = parse_blob_listing(as_bytes(R"(<?xml version="1.0" encoding="utf-8"?>
<EnumerationResults ServiceEndpoint="https://shop.blob.core.windows.net/" ContainerName="backups">
<Prefix>a/</Prefix><Blobs>
<Blob><Name>a/packs</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>
<Blob><Name>a/packs/x &amp; y</Name><Properties>
<Last-Modified>Sun, 06 Nov 1994 08:49:37 GMT</Last-Modified><Content-Length>42</Content-Length>
</Properties></Blob></Blobs><NextMarker>2!a</NextMarker></EnumerationResults>)"));
    ASSERT_TRUE(listing);
    EXPECT_EQ(listing->next_marker, "2!a");
    ASSERT_EQ(listing->blobs.size(), 1U) << "a folder is no object";
    EXPECT_EQ(listing->blobs[0].name, "a/packs/x & y");
    EXPECT_EQ(listing->blobs[0].size_bytes, 42U);
    EXPECT_EQ(listing->blobs[0].modified_at, kTime);
}

TEST(BlobListing, MayBeEmptyOrNone) {
    const auto empty = parse_blob_listing(
        as_bytes("<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>"));
    ASSERT_TRUE(empty);
    EXPECT_TRUE(empty->blobs.empty());
    EXPECT_EQ(empty->next_marker, "");
    for (const char* text : {"", "<html/>", "<EnumerationResults>"}) {
        EXPECT_FALSE(parse_blob_listing(as_bytes(text))) << text;
    }
}

}  // namespace
}  // namespace dbbackup
