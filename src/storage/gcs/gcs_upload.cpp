#include "storage/gcs/gcs_upload.hpp"

#include "base/plain_json.hpp"
#include "base/units.hpp"
#include "crypto/hash.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/gcs/crc32c.hpp"
#include "storage/gcs/gcs_object.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

/// A multiple of 256 KiB, as all parts but the last must be; of any number.
constexpr PartSizes kPartSizes{.bytes_min = 8_MiB, .count_max = 0};
constexpr const char* kMark = "db-backup-upload";
constexpr const char* kPermission = "storage.objects.create";
/// Nobody waits longer for what the store does by itself in a week.
constexpr std::chrono::seconds kCancelTimeMax{5};
constexpr int kIncomplete = 308;
constexpr int kCreated = 201;
constexpr int kGone = 410;

/// How much the store has, by its "bytes=0-N"; nothing at all without that.
std::uint64_t stored_by(const HttpResponse& response) {
    const std::string range = response.header("range").value_or("");
    const std::size_t dash = range.rfind('-');
    std::uint64_t last = 0;
    if (dash == std::string::npos) {
        return 0;
    }
    const char* const end = range.data() + range.size();
    const auto parsed = std::from_chars(range.data() + dash + 1, end, last);
    return parsed.ec == std::errc() && parsed.ptr == end ? last + 1 : 0;
}

/// What it answers with: its path, at the server that we speak to, whatever name it has for itself.
std::string session_url(const std::string& server, const std::string& location) {
    const std::size_t scheme = location.find("://");
    const std::size_t path = location.find(
        '/', scheme == std::string::npos ? 0 : scheme + std::string_view("://").size());
    return path == std::string::npos ? std::string() : server + location.substr(path);
}

}  // namespace

GcsUpload::GcsUpload(GcsBucket bucket, ObjectName name, nlohmann::json settings)
    : PartedUpload(std::move(name), kPartSizes),
      bucket_(std::move(bucket)),
      settings_(std::move(settings)),
      mark_(to_hex(random_bytes(16))) {}

GcsUpload::~GcsUpload() {
    if (session_.empty()) {
        return;
    }
    try {
        HttpRequest request;
        request.method = "DELETE";
        request.url = session_;
        request.time_max = kCancelTimeMax;
        static_cast<void>(bucket_.send(request, {}));
    } catch (const std::exception&) {
        return;  // It expires within a week.
    }
}

std::string GcsUpload::doing() const { return fmt::format("store {}", name().text()); }

void GcsUpload::begin(const std::stop_token& stop) {
    nlohmann::json metadata = {{"name", bucket_.object_prefix + name().text()},
                               {"metadata", {{kMark, mark_}}}};
    metadata.update(settings_);
    const std::string body = metadata.dump();
    HttpRequest request;
    request.method = "POST";
    request.url = fmt::format(
        "{}/upload{}/o?uploadType=resumable&ifGenerationMatch=0&fields=generation%2Ccrc32c{}",
        bucket_.server, bucket_.path, settings_.contains(kGcsRetention) ? "%2Cretention" : "");
    if (!bucket_.kms_key.empty()) {
        request.url += "&kmsKeyName=" + percent_encoded(bucket_.kms_key);
    }
    request.headers = {{"content-type", "application/json"}};
    request.body = as_bytes(body);
    const HttpResponse response = bucket_.send(request, stop);
    if (response.status == http_status::precondition_failed) {
        outcome_ = PutResult::exists;
        return;
    }
    if (response.status != http_status::ok) {
        throw bucket_.refused(response, doing(), kPermission);
    }
    session_ = session_url(bucket_.server, response.header("location").value_or(""));
    if (session_.empty()) {
        throw StorageError(fmt::format("cannot {}: the store begins no upload", doing()),
                           Retry::may_help);
    }
}

void GcsUpload::send_part(BytesView part, const std::stop_token& stop) {
    store(part, /*is_last=*/false, stop);
    checksum_ = crc32c(part, checksum_);
}

PutResult GcsUpload::finish(BytesView rest, const std::stop_token& stop) {
    store(rest, /*is_last=*/true, stop);
    return outcome_.value();
}

/// Until the store has all of the part, or has decided.
/// @param is_last It ends the object.
void GcsUpload::store(BytesView part, bool is_last, const std::stop_token& stop) {
    const std::uint64_t end = sent_bytes() + part.size();
    const std::string total = is_last ? std::to_string(end) : "*";
    while (!outcome_ && (is_last || stored_bytes_ < end)) {
        if (session_.empty()) {
            begin(stop);
            continue;
        }
        HttpRequest request;
        request.method = "PUT";
        request.url = session_;
        request.headers = {{"content-range", fmt::format("bytes */{}", total)}};
        const bool is_question = is_unsure_;
        if (!is_question && stored_bytes_ < end) {
            request.body = part.subspan(stored_bytes_ - sent_bytes());
            request.headers = {
                {"content-range", fmt::format("bytes {}-{}/{}", stored_bytes_, end - 1, total)}};
        }
        const std::string checksum = is_last ? crc32c_text(crc32c(part, checksum_)) : "";
        if (is_last) {
            request.headers.emplace_back("x-goog-hash", "crc32c=" + checksum);
        }
        is_unsure_ = true;
        const HttpResponse response = bucket_.send(request, stop);
        if (response.status == kIncomplete) {
            go_on_from(stored_by(response), end, is_question);
        } else {
            decide(response, checksum, stop);
        }
    }
}

/// @param is_question Nothing was sent.
void GcsUpload::go_on_from(std::uint64_t stored, std::uint64_t end, bool is_question) {
    if (stored < sent_bytes() || stored > end) {
        throw StorageError(
            fmt::format("cannot {}: the store has {} bytes of it, and was sent {} and then {}",
                        doing(), stored, sent_bytes(), end));
    }
    if (!is_question && stored == stored_bytes_) {
        throw StorageError(fmt::format("cannot {}: the store took nothing of a part", doing()),
                           Retry::may_help);
    }
    stored_bytes_ = stored;
    is_unsure_ = false;
}

/// @param checksum Of the whole object; empty when there is more to come.
void GcsUpload::decide(const HttpResponse& response, const std::string& checksum,
                       const std::stop_token& stop) {
    const bool is_done = response.status == http_status::ok || response.status == kCreated;
    if (is_done && !checksum.empty()) {
        session_.clear();
        check(parse_plain_json(as_text(response.body)), checksum, stop);
        outcome_ = PutResult::created;
        return;
    }
    if (response.status == http_status::precondition_failed) {
        outcome_ = whose_object(stop);
        return;
    }
    if (response.status == http_status::not_found || response.status == kGone) {
        throw explained<StorageError>(
            fmt::format("cannot {}: the store answers {}: this upload has ended", doing(),
                        response.status),
            "Uploads end a week after they began: run the same command again.", "upload_ended");
    }
    throw bucket_.refused(response, doing(), kPermission);
}

/// The store refuses what its checksum does not fit, and what it cannot lock. Should one not look
/// at it, what it tells of the object is looked at here, and what is damaged or not locked does not
/// stay.
void GcsUpload::check(const nlohmann::json& object, const std::string& sent,
                      const std::stop_token& stop) {
    const std::string stored = text_at(object, "crc32c");
    if (!stored.empty() && stored != sent) {
        throw StorageError(
            fmt::format("cannot {}: it was damaged on its way, and {}", doing(),
                        is_removed_again(stop) ? "removed again" : "could not be removed"));
    }
    if (settings_.contains(kGcsRetention) && !has_gcs_retention(object)) {
        static_cast<void>(is_removed_again(stop));
        throw bucket_.lock_missing(doing());
    }
}

bool GcsUpload::is_removed_again(const std::stop_token& stop) {
    HttpRequest request;
    request.method = "DELETE";
    request.url = bucket_.url_of(name());
    const HttpResponse response = bucket_.send(request, stop);
    return response.status == http_status::ok || response.status == http_status::no_content;
}

PutResult GcsUpload::whose_object(const std::stop_token& stop) {
    HttpRequest request;
    request.url = bucket_.url_of(name(), "?fields=metadata");
    const HttpResponse response = bucket_.send(request, stop);
    if (response.status == http_status::not_found) {
        throw StorageError(fmt::format("cannot {}: it came and went again", doing()),
                           Retry::may_help);
    }
    if (response.status != http_status::ok) {
        throw bucket_.refused(response, fmt::format("look at {}", name().text()),
                              "storage.objects.get");
    }
    const nlohmann::json object = parse_plain_json(as_text(response.body));
    const auto metadata = object.find("metadata");
    return metadata != object.end() && text_at(*metadata, kMark) == mark_ ? PutResult::created
                                                                          : PutResult::exists;
}

}  // namespace dbbackup
