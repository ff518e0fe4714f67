#include "storage/s3/s3_upload.hpp"

#include "base/units.hpp"
#include "crypto/hash.hpp"
#include "storage/s3/s3_error.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <sstream>
#include <utility>

namespace dbbackup {
namespace {

/// From 5 MiB to 5 GiB, at most 10,000: "Amazon S3 multipart upload limits".
constexpr PartSizes kPartSizes{.bytes_min = 8_MiB, .count_max = 10'000, .bytes_max = 5_GiB};
constexpr const char* kMark = "x-amz-meta-db-backup-upload";
constexpr const char* kPermission = "s3:PutObject";
/// Nobody waits longer for what the next `prune` does as well.
constexpr std::chrono::seconds kAbortTimeMax{5};

/// A completion is answered with 200 before it is done: what failed comes in the body.
HttpResponse completion_answer(HttpResponse response) {
    pugi::xml_document document;
    if (response.status != http_status::ok) {
        return response;
    }
    const bool is_xml = document.load_buffer(response.body.data(), response.body.size());
    if (!is_xml || document.child("CompleteMultipartUploadResult").empty()) {
        const bool is_taken = read_refusal(response).code == "PreconditionFailed";
        response.status = is_taken ? http_status::precondition_failed : http_status::internal_error;
    }
    return response;
}

}  // namespace

S3Upload::S3Upload(S3Bucket bucket, ObjectName name, S3Call put)
    : PartedUpload(std::move(name), kPartSizes),
      bucket_(std::move(bucket)),
      put_(std::move(put)),
      key_(put_.key),
      mark_(to_hex(random_bytes(16))) {
    put_.headers.emplace_back(kMark, mark_);
}

S3Upload::~S3Upload() {
    if (upload_id_.empty()) {
        return;
    }
    try {
        S3Call call{"DELETE", key_, {{"uploadId", upload_id_}}};
        call.time_max = kAbortTimeMax;
        bucket_.send(call, {});
    } catch (const std::exception&) {
        return;  // The next `prune` does it.
    }
}

std::string S3Upload::doing() const { return fmt::format("store {}", name().text()); }

void S3Upload::begin(const std::stop_token& stop) {
    const HttpResponse response =
        bucket_.send({"POST", key_, {{"uploads", ""}}, put_.headers}, stop);
    if (response.status != http_status::ok) {
        throw bucket_.refused(response, doing(), kPermission);
    }
    pugi::xml_document document;
    document.load_buffer(response.body.data(), response.body.size());
    upload_id_ =
        document.child("InitiateMultipartUploadResult").child("UploadId").text().as_string();
    if (upload_id_.empty()) {
        throw StorageError(fmt::format("cannot {}: the store answers no id of an upload", doing()),
                           Retry::may_help);
    }
}

void S3Upload::send_part(BytesView part, const std::stop_token& stop) {
    if (upload_id_.empty()) {
        begin(stop);
    }
    S3Call call{"PUT", key_};
    call.query = {{"partNumber", std::to_string(part_tags_.size() + 1)}, {"uploadId", upload_id_}};
    call.body = part;
    const HttpResponse response = bucket_.send(call, stop);
    if (response.status != http_status::ok) {
        throw bucket_.refused(response, doing(), kPermission);
    }
    const std::optional<std::string> tag = response.header("etag");
    if (!tag) {
        throw StorageError(fmt::format("cannot {}: the store answers no tag of a part", doing()),
                           Retry::may_help);
    }
    part_tags_.push_back(*tag);
}

PutResult S3Upload::finish(BytesView rest, const std::stop_token& stop) {
    if (part_tags_.empty()) {
        return put_whole(rest, stop);
    }
    if (!is_rest_sent_) {
        send_part(rest, stop);
        is_rest_sent_ = true;
    }
    const PutResult result = complete(stop);
    if (result == PutResult::created) {
        upload_id_.clear();
    }
    return result;
}

PutResult S3Upload::put_whole(BytesView content, const std::stop_token& stop) {
    S3Call call = put_;
    call.headers.emplace_back("if-none-match", "*");
    call.body = content;
    const HttpResponse response = bucket_.send(call, stop);
    if (response.status == http_status::ok) {
        check_s3_put(response, doing());
        return PutResult::created;
    }
    if (response.status == http_status::precondition_failed) {
        return whose_object(response, stop);
    }
    throw bucket_.refused(response, doing(), kPermission);
}

std::string S3Upload::completion() const {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("CompleteMultipartUpload");
    for (std::size_t at = 0; at < part_tags_.size(); ++at) {
        pugi::xml_node part = root.append_child("Part");
        part.append_child("PartNumber").text().set(at + 1);
        part.append_child("ETag").text().set(part_tags_[at].c_str());
    }
    std::ostringstream text;
    document.save(text, "", pugi::format_raw | pugi::format_no_declaration);
    return text.str();
}

PutResult S3Upload::complete(const std::stop_token& stop) {
    const std::string body = completion();
    S3Call call{"POST", key_, {{"uploadId", upload_id_}}, {{"if-none-match", "*"}}};
    call.body = as_bytes(body);
    const HttpResponse response = completion_answer(bucket_.send(call, stop));
    if (response.status == http_status::ok) {
        return PutResult::created;
    }
    // Without an upload: it was completed, and the answer got lost; or somebody has aborted it.
    if (response.status == http_status::precondition_failed ||
        read_refusal(response).code == "NoSuchUpload") {
        return whose_object(response, stop);
    }
    throw bucket_.refused(response, doing(), kPermission);
}

/// @param refusal What a completion was answered, for when there is no object.
PutResult S3Upload::whose_object(const HttpResponse& refusal, const std::stop_token& stop) {
    const HttpResponse response = bucket_.send({"HEAD", key_}, stop);
    if (response.status == http_status::ok) {
        return response.header(kMark) == mark_ ? PutResult::created : PutResult::exists;
    }
    if (response.status != http_status::not_found) {
        throw bucket_.refused(response, fmt::format("look at {}", name().text()), "s3:GetObject");
    }
    if (refusal.status == http_status::precondition_failed) {
        throw StorageError(fmt::format("cannot {}: it came and went again", doing()),
                           Retry::may_help);
    }
    throw bucket_.refused(refusal, doing(), kPermission);
}

}  // namespace dbbackup
