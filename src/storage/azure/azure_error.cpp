#include "storage/azure/azure_error.hpp"

#include "storage/access_denied.hpp"
#include "storage/cloud/http_date.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::string_view kRefusedCode = "credentials_refused";
constexpr std::string_view kCheck =
    "Check the key, the shared access signature or the identity: it must be of the storage account "
    "'{account}', and complete.";
constexpr std::string_view kEnded =
    "The shared access signature or token has ended: get a new one, and run the same command "
    "again.";
constexpr std::string_view kPermission =
    "Give the identity the role {role} on the container '{container}', or the shared access "
    "signature the permission {permission}.";
constexpr std::string_view kNetwork =
    "Allow this machine's network in the firewall of the storage account '{account}', or check "
    "what the shared access signature is limited to.";
constexpr std::string_view kSignatureLimits =
    "Make a shared access signature for the blobs of the container '{container}', without limits "
    "that keep this machine out.";

constexpr std::string_view kNames =
    "Correct the repository's URL: names of containers have 3 to 63 lower-case letters, digits and "
    "single hyphens.";

constexpr std::array kMeanings = {
    RefusalMeaning{"AuthenticationFailed", kRefusedCode, kCheck},
    RefusalMeaning{"InvalidAuthenticationInfo", kRefusedCode, kCheck},
    RefusalMeaning{"NoAuthenticationInformation", kRefusedCode, kCheck},
    RefusalMeaning{"KeyBasedAuthenticationNotPermitted", kRefusedCode,
                   "The storage account '{account}' takes no keys: use an identity, or allow keys "
                   "there."},
    RefusalMeaning{"ContainerNotFound", "bucket_missing",
                   "Make the container '{container}' first, or correct the repository's URL."},
    RefusalMeaning{"ContainerBeingDeleted", "bucket_missing",
                   "The container '{container}' is being deleted: use another one, or make it "
                   "again in a few minutes."},
    RefusalMeaning{"InvalidResourceName", "bucket_missing", kNames},
    RefusalMeaning{"OutOfRangeInput", "bucket_missing", kNames},
    RefusalMeaning{"AuthorizationPermissionMismatch", kAccessDenied, kPermission},
    RefusalMeaning{"UnauthorizedBlobOverwrite", kAccessDenied, kPermission},
    RefusalMeaning{"InsufficientAccountPermissions", kAccessDenied, kPermission},
    RefusalMeaning{"AuthorizationFailure", kAccessDenied, kNetwork},
    RefusalMeaning{"AuthorizationSourceIPMismatch", kAccessDenied, kSignatureLimits},
    RefusalMeaning{"AuthorizationProtocolMismatch", kAccessDenied, kSignatureLimits},
    RefusalMeaning{"AuthorizationServiceMismatch", kAccessDenied, kSignatureLimits},
    RefusalMeaning{"AuthorizationResourceTypeMismatch", kAccessDenied, kSignatureLimits},
    RefusalMeaning{"AccountIsDisabled", kAccessDenied,
                   "Enable the storage account '{account}' in Azure's portal."},
    RefusalMeaning{"Md5Mismatch", "", "", Retry::may_help},
    RefusalMeaning{"ServerBusy", "", "", Retry::may_help},
    RefusalMeaning{"OperationTimedOut", "", "", Retry::may_help},
    RefusalMeaning{"InternalError", "", "", Retry::may_help},
    RefusalMeaning{"IncompleteBody", "", "", Retry::may_help},
};

constexpr std::array kEndedMeanings = {
    RefusalMeaning{"AuthenticationFailed", "credentials_expired", kEnded},
    RefusalMeaning{"AuthorizationFailure", "credentials_expired", kEnded},
    RefusalMeaning{"InvalidAuthenticationInfo", "credentials_expired", kEnded},
};

constexpr std::array kSkewedMeanings = {
    RefusalMeaning{
        "AuthenticationFailed", "clock_skewed",
        "Set this machine's clock right: the store accepts no request that is more than 15 "
        "minutes off."},
};

constexpr std::array kAzuriteMeanings = {
    RefusalMeaning{"AuthorizationFailure", kRefusedCode, kCheck},
};

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool tells_of_an_end(const AzureRefusal& refusal) {
    return has(refusal.detail, "not valid in the specified time frame") ||
           has(refusal.detail, "Lifetime validation failed") || has(refusal.detail, "expired");
}

/// What stands beside a refusal's own words.
struct Signs {
    bool has_ended = false;
    bool is_skewed = false;
};

/// By the store's clock where it tells the time: this machine's may be wrong.
Signs signs_of(const HttpResponse& response, const AzureAttempt& attempt) {
    constexpr std::chrono::minutes kAccepted{15};
    const auto there = parse_http_date(response.header("date").value_or("")).value_or(attempt.now);
    return {attempt.expires_at && *attempt.expires_at <= there,
            std::chrono::abs(there - attempt.now) > kAccepted};
}

/// The same code stands for many things.
std::span<const RefusalMeaning> meanings_of(const AzureRefusal& refusal, const Signs& signs) {
    const bool may_have_ended = std::ranges::find(kEndedMeanings, refusal.code,
                                                  &RefusalMeaning::code) != kEndedMeanings.end();
    if (may_have_ended && (signs.has_ended || tells_of_an_end(refusal))) {
        return kEndedMeanings;
    }
    if (refusal.code == "AuthenticationFailed" &&
        (signs.is_skewed || has(refusal.detail, "date header"))) {
        return kSkewedMeanings;
    }
    // Azurite has one code for both; its words tell them apart.
    if (refusal.code == "AuthorizationFailure" && has(refusal.message, "failed to authenticate")) {
        return kAzuriteMeanings;
    }
    return kMeanings;
}

}  // namespace

AzureRefusal read_azure_refusal(const HttpResponse& response) {
    AzureRefusal refusal;
    refusal.status = response.status;
    refusal.code =
        response.header("x-ms-error-code").value_or("");  // Answers to HEAD have no body.
    pugi::xml_document document;
    if (document.load_buffer(response.body.data(), response.body.size())) {
        const pugi::xml_node error = document.child("Error");
        if (refusal.code.empty()) {
            refusal.code = error.child("Code").text().as_string();
        }
        // After the first line come the request's number and time.
        refusal.message = error.child("Message").text().as_string();
        refusal.message = refusal.message.substr(0, refusal.message.find_first_of("\r\n"));
        refusal.detail = error.child("AuthenticationErrorDetail").text().as_string();
    }
    if (refusal.code.empty() && response.status == http_status::forbidden) {
        refusal.code = "AuthorizationFailure";
    }
    return refusal;
}

bool is_about_credentials(const AzureRefusal& refusal) {
    return refusal.status == http_status::unauthorized || refusal.code == "AuthenticationFailed";
}

bool is_azure_absence(const HttpResponse& response) {
    if (response.status != http_status::not_found) {
        return false;
    }
    const std::string code = read_azure_refusal(response).code;
    return code.empty() || code == "BlobNotFound";
}

bool is_about_azure_lock(const AzureRefusal& refusal) {
    return refusal.status == http_status::conflict &&
           (refusal.code == "BlobImmutableDueToPolicy" ||
            refusal.code == "BlobImmutableDueToLegalHold");
}

StorageError azure_error(const HttpResponse& response, const AzurePlace& place,
                         const AzureAttempt& attempt) {
    const AzureRefusal refusal = read_azure_refusal(response);
    const bool only_reads =
        attempt.permission.starts_with('r') || attempt.permission.starts_with('l');
    return refusal_error(response, refusal, meanings_of(refusal, signs_of(response, attempt)),
                         {attempt.doing,
                          place.url,
                          {{"container", place.container},
                           {"account", place.account},
                           {"permission", attempt.permission},
                           {"role", only_reads ? "'Storage Blob Data Reader'"
                                               : "'Storage Blob Data Contributor'"}}});
}

}  // namespace dbbackup
