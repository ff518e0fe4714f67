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

/// Source: List Blobs, with include=versions,deleted,metadata.
TEST(BlobListing, TellsWhatIsThereNoMore) {
    const auto listing = parse_blob_listing(as_bytes(R"(<EnumerationResults><Blobs>
<Blob><Name>a</Name><VersionId>2026-11-22T14:00:00.1Z</VersionId></Blob>
<Blob><Name>a</Name><VersionId>2026-11-22T14:00:00.2Z</VersionId>
<IsCurrentVersion>true</IsCurrentVersion></Blob>
<Blob><Name>b</Name><Deleted>true</Deleted><Metadata><dbbackupremoved>yes</dbbackupremoved>
</Metadata></Blob><Blob><Name>c</Name><Metadata/></Blob></Blobs></EnumerationResults>)"));
    ASSERT_TRUE(listing);
    ASSERT_EQ(listing->blobs.size(), 4U);
    EXPECT_FALSE(listing->blobs[0].is_current);
    EXPECT_TRUE(listing->blobs[1].is_current);
    EXPECT_LT(listing->blobs[0].version, listing->blobs[1].version);
    EXPECT_TRUE(listing->blobs[2].is_deleted);
    EXPECT_TRUE(listing->blobs[2].is_marked);
    EXPECT_TRUE(listing->blobs[3].is_current);
    EXPECT_FALSE(listing->blobs[3].is_deleted);
    EXPECT_FALSE(listing->blobs[3].is_marked);
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
