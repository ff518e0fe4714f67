#include "storage/s3/s3_error.hpp"

#include "storage/access_denied.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace dbbackup {
namespace {

/// What each code means for the user. A hint may name {bucket}, {region} and {permission}.
struct Meaning {
    std::string_view code;
    std::string_view name;  ///< For scripts.
    std::string_view hint;
    Retry retry = Retry::never;
};

constexpr std::string_view kKeys =
    "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE names.";

constexpr std::array kMeanings = {
    Meaning{"SignatureDoesNotMatch", "credentials_refused", kKeys},
    Meaning{"InvalidAccessKeyId", "credentials_refused", kKeys},
    Meaning{"XAdminUserNotFound", "credentials_refused", kKeys},
    Meaning{"InvalidToken", "credentials_refused", kKeys},
    Meaning{"ExpiredToken", "credentials_expired",
            "The temporary keys have ended: get new ones, and run the same command again."},
    Meaning{"RequestTimeTooSkewed", "clock_skewed",
            "Set this machine's clock right: the store accepts no request that is more than 15 "
            "minutes off."},
    Meaning{"NoSuchBucket", "bucket_missing",
            "Make the bucket '{bucket}' first, or correct the repository's URL."},
    Meaning{"PermanentRedirect", "wrong_region",
            "The bucket '{bucket}' is in another region: give region={region} in the URL."},
    Meaning{"AuthorizationHeaderMalformed", "wrong_region",
            "The bucket '{bucket}' is in another region: give region={region} in the URL."},
    Meaning{"IllegalLocationConstraintException", "wrong_region",
            "The bucket '{bucket}' is in another region: give region={region} in the URL."},
    Meaning{"AccessDenied", kAccessDenied,
            "These keys lack the permission {permission} on the bucket '{bucket}'."},
    Meaning{"ConditionalRequestConflict", "", "", Retry::may_help},
    Meaning{"OperationAborted", "", "", Retry::may_help},
    Meaning{"RequestTimeout", "", "", Retry::may_help},
    Meaning{"SlowDown", "", "", Retry::may_help},
    Meaning{"BadDigest", "", "", Retry::may_help},
    Meaning{"XAmzContentSHA256Mismatch", "", "", Retry::may_help},
    Meaning{"IncompleteBody", "", "", Retry::may_help},
    Meaning{"QuotaExceeded", "storage_full",
            "The bucket's quota is used up: raise it or prune, then run the same command again."},
};

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
    std::string result(text);
    if (const std::size_t at = result.find(what); at != std::string::npos) {
        result.replace(at, what.size(), by);
    }
    return result;
}

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

bool is_expired(const S3Refusal& refusal) { return refusal.code == "ExpiredToken"; }

StorageError s3_error(const HttpResponse& response, const S3Place& place, const std::string& doing,
                      const std::string& permission) {
    const S3Refusal refusal = read_refusal(response);
    const auto* const meaning = std::ranges::find(kMeanings, refusal.code, &Meaning::code);
    const bool is_known = meaning != kMeanings.end();
    const bool may_help =
        is_passing(response.status) || (is_known && meaning->retry == Retry::may_help);
    std::string said = fmt::format("{} {}", response.status, refusal.code);
    if (!refusal.message.empty()) {
        said += ": " + refusal.message;
    }
    StorageError error(fmt::format("cannot {} in {}: the store answers {}", doing, place.url, said),
                       may_help ? Retry::may_help : Retry::never);
    error.set_retry_after(retry_after(response));
    if (is_known && !meaning->name.empty()) {
        std::string hint = replaced(meaning->hint, "{bucket}", place.bucket);
        hint = replaced(hint, "{permission}", permission);
        hint =
            replaced(hint, "{region}", refusal.region.empty() ? "(the right one)" : refusal.region);
        error.set_hint(std::move(hint));
        error.set_code(std::string(meaning->name));
    }
    return error;
}

}  // namespace dbbackup
