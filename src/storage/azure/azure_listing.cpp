#include "storage/azure/azure_listing.hpp"

#include "storage/cloud/http_date.hpp"

#include <pugixml.hpp>

#include <string_view>

namespace dbbackup {

std::optional<BlobListing> parse_blob_listing(BytesView xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size())) {
        return std::nullopt;
    }
    const pugi::xml_node result = document.child("EnumerationResults");
    if (!result) {
        return std::nullopt;
    }
    BlobListing listing;
    listing.next_marker = result.child("NextMarker").text().as_string();
    for (const pugi::xml_node& blob : result.child("Blobs").children("Blob")) {
        const pugi::xml_node properties = blob.child("Properties");
        if (std::string_view(properties.child("ResourceType").text().as_string()) == "directory") {
            continue;
        }
        const std::string version = blob.child("VersionId").text().as_string();
        listing.blobs.push_back(
            {blob.child("Name").text().as_string(),
             properties.child("Content-Length").text().as_ullong(),
             parse_http_date(properties.child("Last-Modified").text().as_string())
                 .value_or(std::chrono::sys_seconds()),
             version, version.empty() || blob.child("IsCurrentVersion").text().as_bool(),
             blob.child("Deleted").text().as_bool(),
             !blob.child("Metadata").child(kAzureRemovedMark).empty()});
    }
    return listing;
}

}  // namespace dbbackup
