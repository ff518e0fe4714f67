#include "storage/s3/s3_error.hpp"

#include "storage/access_denied.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::string_view kKeys =
    "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE names.";

constexpr std::array kMeanings = {
    RefusalMeaning{"SignatureDoesNotMatch", "credentials_refused", kKeys},
    RefusalMeaning{"InvalidAccessKeyId", "credentials_refused", kKeys},
    RefusalMeaning{"XAdminUserNotFound", "credentials_refused", kKeys},
    RefusalMeaning{"InvalidToken", "credentials_refused", kKeys},
    RefusalMeaning{"ExpiredToken", "credentials_expired",
                   "The temporary keys have ended: get new ones, and run the same command again."},
    RefusalMeaning{
        "RequestTimeTooSkewed", "clock_skewed",
        "Set this machine's clock right: the store accepts no request that is more than 15 "
        "minutes off."},
    RefusalMeaning{"NoSuchBucket", "bucket_missing",
                   "Make the bucket '{bucket}' first, or correct the repository's URL."},
    RefusalMeaning{"PermanentRedirect", "wrong_region",
                   "The bucket '{bucket}' is in another region: give region={region} in the URL."},
    RefusalMeaning{"AuthorizationHeaderMalformed", "wrong_region",
                   "The bucket '{bucket}' is in another region: give region={region} in the URL."},
    RefusalMeaning{"IllegalLocationConstraintException", "wrong_region",
                   "The bucket '{bucket}' is in another region: give region={region} in the URL."},
    RefusalMeaning{"AccessDenied", kAccessDenied,
                   "These keys lack the permission {permission} on the bucket '{bucket}'."},
    RefusalMeaning{"NoSuchUpload", "upload_ended",
                   "A lifecycle rule, or a `prune` after a week without a new part, has ended it: "
                   "run the same command again."},
    RefusalMeaning{"ConditionalRequestConflict", "", "", Retry::may_help},
    RefusalMeaning{"OperationAborted", "", "", Retry::may_help},
    RefusalMeaning{"RequestTimeout", "", "", Retry::may_help},
    RefusalMeaning{"SlowDown", "", "", Retry::may_help},
    RefusalMeaning{"BadDigest", "", "", Retry::may_help},
    RefusalMeaning{"XAmzContentSHA256Mismatch", "", "", Retry::may_help},
    RefusalMeaning{"IncompleteBody", "", "", Retry::may_help},
    // Asked without a version: the newest went while the store was looking it up (versitygw).
    RefusalMeaning{"NoSuchVersion", "", "", Retry::may_help},
    RefusalMeaning{
        "QuotaExceeded", "storage_full",
        "The bucket's quota is used up: raise it or prune, then run the same command again."},
};

}  // namespace

S3Refusal read_refusal(const HttpResponse& response) {
    S3Refusal refusal;
    refusal.status = response.status;
    refusal.region = response.header("x-amz-bucket-region").value_or("");
    pugi::xml_document document;
    if (document.load_buffer(response.body.data(), response.body.size())) {
        const pugi::xml_node error = document.child("Error");
        refusal.code = error.child("Code").text().as_string();
        refusal.message = error.child("Message").text().as_string();
        if (refusal.region.empty()) {
            refusal.region = error.child("Region").text().as_string();
        }
    }
    if (refusal.code.empty()) {  // Answers to HEAD have no body.
        refusal.code = response.status == http_status::forbidden           ? "AccessDenied"
                       : response.status == http_status::moved_permanently ? "PermanentRedirect"
                                                                           : "";
    }
    return refusal;
}

namespace {

/// Servers differ in the code, and hardly in the words.
bool has_word(const S3Refusal& refusal, std::string_view word) {
    std::string message = refusal.message;
    std::ranges::transform(message, message.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return message.find(word) != std::string::npos;
}

/// A lock was asked for that the bucket does not know.
bool lacks_locks(const S3Refusal& refusal) {
    return refusal.code == "ObjectLockConfigurationNotFoundError" ||
           (refusal.code == "InvalidRequest" && has_word(refusal, "missing object"));
}

}  // namespace

bool is_about_lock(const S3Refusal& refusal) {
    return has_word(refusal, "object lock") || has_word(refusal, "worm protected");
}

void check_s3_put(const HttpResponse& response, const std::string& doing) {
    if (!response.header("etag")) {
        throw StorageError(
            fmt::format("cannot {}: the answer has no tag of an object, so it is not the store's",
                        doing),
            Retry::may_help);
    }
}

bool is_expired(const S3Refusal& refusal) { return refusal.code == "ExpiredToken"; }

StorageError s3_error(const HttpResponse& response, const S3Place& place, const std::string& doing,
                      const std::string& permission) {
    const S3Refusal refusal = read_refusal(response);
    StorageError error =
        refusal_error(response, refusal, kMeanings,
                      {doing,
                       place.url,
                       {{"bucket", place.bucket},
                        {"permission", permission},
                        {"region", refusal.region.empty() ? "(the right one)" : refusal.region}}});
    if (lacks_locks(refusal)) {
        error.set_code("object_lock_missing");
        error.set_hint(fmt::format(
            "Make a bucket with object lock switched on, or leave object_lock out: '{}' has none.",
            place.bucket));
    }
    return error;
}

}  // namespace dbbackup
