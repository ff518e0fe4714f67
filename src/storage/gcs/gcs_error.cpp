#include "storage/gcs/gcs_error.hpp"

#include "storage/access_denied.hpp"
#include "storage/cloud/service_answer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::string_view kCredentials =
    "Check the file that GOOGLE_APPLICATION_CREDENTIALS names, or log in again with "
    "\"gcloud auth application-default login\".";
constexpr std::string_view kPermission =
    "These credentials lack the permission {permission} on the bucket '{bucket}'.";

/// Our word for a checksum that does not fit: the store's own is "invalid", as for other things.
constexpr std::string_view kDamagedOnTheWay = "checksumMismatch";

constexpr std::array kMeanings = {
    RefusalMeaning{"authError", "credentials_refused", kCredentials},
    RefusalMeaning{"required", "credentials_refused", kCredentials},
    RefusalMeaning{"expired", "credentials_refused", kCredentials},
    RefusalMeaning{"notFound", "bucket_missing",
                   "Make the bucket '{bucket}' first, or correct the repository's URL."},
    RefusalMeaning{"forbidden", kAccessDenied, kPermission},
    RefusalMeaning{"insufficientPermissions", kAccessDenied,
                   "These credentials were given for less than writing to Cloud Storage: give the "
                   "machine the access scope devstorage.read_write, or devstorage.full_control "
                   "where it prunes."},
    RefusalMeaning{"retentionPolicyNotMet", kAccessDenied,
                   "The bucket '{bucket}' keeps objects for a time of its own: wait for it, or "
                   "shorten its retention policy."},
    RefusalMeaning{"objectUnderActiveHold", kAccessDenied,
                   "Somebody holds this object in the bucket '{bucket}': release the hold."},
    RefusalMeaning{
        "quotaExceeded", "storage_full",
        "The project's quota is used up: raise it or prune, then run the same command again."},
    RefusalMeaning{"rateLimitExceeded", "", "", Retry::may_help},
    RefusalMeaning{"userRateLimitExceeded", "", "", Retry::may_help},
    RefusalMeaning{"backendError", "", "", Retry::may_help},
    RefusalMeaning{"internalError", "", "", Retry::may_help},
    RefusalMeaning{"conflict", "", "", Retry::may_help},
    RefusalMeaning{kDamagedOnTheWay, "", "", Retry::may_help},
};

/// What answers without a document mean.
std::string_view reason_of(int status) {
    switch (status) {
        case http_status::unauthorized: return "authError";
        case http_status::forbidden: return "forbidden";
        case http_status::not_found: return "notFound";
        default: return "";
    }
}

}  // namespace

Refusal read_gcs_refusal(const HttpResponse& response) {
    Refusal refusal;
    refusal.status = response.status;
    // Not as our own objects are read: some answers have details of any depth.
    const std::string_view text = as_text(response.body);
    const nlohmann::json document =
        nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
    if (const auto error = document.is_object() ? document.find("error") : document.end();
        error != document.end()) {
        refusal.message = text_at(*error, "message");
        const auto errors = error->is_object() ? error->find("errors") : error->end();
        if (error->is_object() && errors != error->end() && errors->is_array() &&
            !errors->empty()) {
            refusal.code = text_at(errors->front(), "reason");
        }
    } else if (response.header("content-type").value_or("").starts_with("text/plain")) {
        constexpr std::size_t kShown = 300;  // Answers to alt=media are a sentence.
        refusal.message = text.substr(0, kShown);
    }
    if (refusal.code.empty()) {
        refusal.code = reason_of(response.status);
    }
    if (refusal.code == "invalid" &&
        refusal.message.find("match calculated") != std::string::npos) {
        refusal.code = kDamagedOnTheWay;
    }
    return refusal;
}

GcsAbsence what_is_absent(const Refusal& refusal) {
    if (refusal.message.find("No such object") != std::string::npos) {
        return GcsAbsence::object;
    }
    return refusal.message.find("bucket does not exist") != std::string::npos ? GcsAbsence::bucket
                                                                              : GcsAbsence::unknown;
}

bool is_about_gcs_lock(const Refusal& refusal) {
    // A hold is refused as "forbidden", whatever the manual says of objectUnderActiveHold.
    const bool is_held = refusal.message.find("is under active ") != std::string::npos &&
                         refusal.message.find(" hold ") != std::string::npos;
    return refusal.status == http_status::forbidden &&
           (refusal.code == "retentionPolicyNotMet" || refusal.code == "objectUnderActiveHold" ||
            (refusal.code == "forbidden" && is_held));
}

StorageError gcs_lock_missing(const GcsPlace& place, const std::string& doing) {
    return explained<StorageError>(
        fmt::format("cannot {} in {}: the bucket locks no objects", doing, place.url),
        fmt::format("Switch object retention on in the bucket '{}' (gcloud storage buckets create "
                    "--enable-per-object-retention, or Google Cloud's console), or leave "
                    "object_lock out.",
                    place.bucket),
        "object_lock_missing");
}

StorageError gcs_error(const HttpResponse& response, const GcsPlace& place,
                       const std::string& doing, const std::string& permission) {
    const Refusal refusal = read_gcs_refusal(response);
    if (response.status == http_status::bad_request && place.lock &&
        refusal.message.find("retention is not enabled") != std::string::npos) {
        return gcs_lock_missing(place, doing);
    }
    return refusal_error(
        response, refusal, kMeanings,
        {doing, place.url, {{"bucket", place.bucket}, {"permission", permission}}});
}

}  // namespace dbbackup
