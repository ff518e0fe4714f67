#include "storage/s3/s3_abandoned.hpp"

#include "storage/cloud/http_date.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/operation.hpp"
#include "storage/s3/s3_listing.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace dbbackup {
namespace {

using Time = std::chrono::sys_seconds;

constexpr const char* kListing = "list unfinished uploads";

struct OpenUpload {
    std::string key;
    std::string id;
};

/// Never, for a time that is none: it is nobody's sign of death.
Time time_at(const pugi::xml_node& node, const char* name) {
    return parse_second(node.child(name).text().as_string()).value_or(Time::max());
}

/// One page of a listing; `root` is its element.
pugi::xml_document page_of(const S3Bucket& bucket, const HttpResponse& response, const char* root,
                           const char* permission) {
    if (response.status != http_status::ok) {
        throw bucket.refused(response, kListing, permission);
    }
    return s3_page(response, root, kListing);
}

/// Those that began before `silence`, whatever came of them since.
std::vector<OpenUpload> old_uploads(const S3Bucket& bucket, const std::string& prefix,
                                    std::chrono::seconds silence, const std::stop_token& stop) {
    std::vector<OpenUpload> found;
    S3Call call{"GET", ""};
    call.query = {{"uploads", ""}, {"prefix", prefix}};
    const std::size_t fixed = call.query.size();
    constexpr std::array<S3PageMark, 2> kMarks = {
        {{"key-marker", "NextKeyMarker"}, {"upload-id-marker", "NextUploadIdMarker"}}};
    for (bool has_more = true; has_more;) {
        const HttpResponse response = bucket.send(call, stop);
        const pugi::xml_document document = page_of(bucket, response, "ListMultipartUploadsResult",
                                                    "s3:ListBucketMultipartUploads");
        const std::optional<Time> now = parse_http_date(response.header("date").value_or(""));
        if (!now) {
            return found;  // Our clock may be anything.
        }
        const pugi::xml_node result = document.child("ListMultipartUploadsResult");
        for (const pugi::xml_node& upload : result.children("Upload")) {
            const std::string key = upload.child("Key").text().as_string();
            if (time_at(upload, "Initiated") <= *now - silence && name_of_key(key, prefix)) {
                found.push_back({key, upload.child("UploadId").text().as_string()});
            }
        }
        has_more = turn_s3_page(call, fixed, result, kMarks, kListing);
    }
    return found;
}

/// Whether no part came since `silence`.
bool is_silent(const S3Bucket& bucket, const OpenUpload& upload, std::chrono::seconds silence,
               const std::stop_token& stop) {
    S3Call call{"GET", upload.key, {{"uploadId", upload.id}}};
    const std::size_t fixed = call.query.size();
    constexpr std::array<S3PageMark, 1> kMarks = {{{"part-number-marker", "NextPartNumberMarker"}}};
    for (bool has_more = true; has_more;) {
        const HttpResponse response = bucket.send(call, stop);
        if (response.status == http_status::not_found) {
            return false;  // It has ended meanwhile.
        }
        const pugi::xml_document document =
            page_of(bucket, response, "ListPartsResult", "s3:ListMultipartUploadParts");
        const std::optional<Time> now = parse_http_date(response.header("date").value_or(""));
        const pugi::xml_node result = document.child("ListPartsResult");
        for (const pugi::xml_node& part : result.children("Part")) {
            if (!now || time_at(part, "LastModified") > *now - silence) {
                return false;
            }
        }
        has_more = turn_s3_page(call, fixed, result, kMarks, kListing);
    }
    return true;
}

}  // namespace

void end_abandoned_s3_uploads(const S3Bucket& bucket, const std::string& prefix,
                              std::chrono::seconds silence, const std::stop_token& stop) {
    for (const OpenUpload& upload : old_uploads(bucket, prefix, silence, stop)) {
        throw_if_stopped(stop);
        if (!is_silent(bucket, upload, silence, stop)) {
            continue;
        }
        const HttpResponse response =
            bucket.send({"DELETE", upload.key, {{"uploadId", upload.id}}}, stop);
        if (response.status != http_status::no_content && response.status != http_status::ok &&
            response.status != http_status::not_found) {
            throw bucket.refused(response, "end an unfinished upload", "s3:AbortMultipartUpload");
        }
    }
}

}  // namespace dbbackup
