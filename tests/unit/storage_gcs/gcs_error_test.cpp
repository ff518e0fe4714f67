#include "storage/gcs/gcs_error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

HttpResponse answer_of(int status, const std::string& reason, const std::string& message) {
    HttpResponse response;
    response.status = status;
    response.headers = {{"content-type", "application/json; charset=UTF-8"}};
    const std::string text = fmt::format(
        R"({{"error": {{"code": {}, "message": "{}", "errors": [{{"message": "{}",
           "domain": "global", "reason": "{}", "debugInfo": {{"a": {{"b": [{{"c": 1.5}}]}}}}}}]}}}})",
        status, message, message, reason);
    response.body = copy_of(as_bytes(text));
    return response;
}

StorageError error_of(int status, const std::string& reason, const std::string& message = "said") {
    const GcsPlace place = gcs_place(StorageUrl::parse("gs://shop/x"),
                                     [](const char*) { return std::optional<std::string>(); });
    HttpResponse response = answer_of(status, reason, message);
    if (reason.empty()) {
        response.body.clear();
    }
    return gcs_error(response, place, "store packs/ab", "storage.objects.create");
}

TEST(GcsError, SaysWhatTheStoreSaidAndWhatToDo) {
    const StorageError error = error_of(403, "forbidden");
    EXPECT_STREQ(error.what(),
                 "cannot store packs/ab in gs://shop/x: the store answers 403 forbidden: said");
    EXPECT_EQ(error.code(), "access_denied");
    EXPECT_EQ(error.hint(),
              "These credentials lack the permission storage.objects.create on the bucket 'shop'.");
    EXPECT_EQ(error.retry(), Retry::never);
}

TEST(GcsError, KnowsWhatMayPass) {
    for (const auto& [status, reason] :
         {std::pair(429, "rateLimitExceeded"), std::pair(403, "userRateLimitExceeded"),
          std::pair(503, "backendError"), std::pair(500, ""), std::pair(409, "conflict")}) {
        EXPECT_EQ(error_of(status, reason).retry(), Retry::may_help) << status << reason;
    }
    for (const auto& [status, reason] :
         {std::pair(403, "forbidden"), std::pair(404, "notFound"), std::pair(400, "invalid"),
          std::pair(401, "authError"), std::pair(403, "quotaExceeded")}) {
        EXPECT_EQ(error_of(status, reason).retry(), Retry::never) << status << reason;
    }
}

/// As Google and fake-gcs-server say it; an upload that was damaged on the way is sent again.
TEST(GcsError, AChecksumThatDoesNotFitMayPass) {
    const StorageError error =
        error_of(400, "invalid", "Provided CRC32C AAA doesn't match calculated CRC32C BBB.");
    EXPECT_EQ(error.retry(), Retry::may_help) << error.what();
}

TEST(GcsError, NamesForScripts) {
    EXPECT_EQ(error_of(401, "authError").code(), "credentials_refused");
    EXPECT_EQ(error_of(401, "required").code(), "credentials_refused");
    EXPECT_EQ(error_of(404, "notFound").code(), "bucket_missing");
    EXPECT_EQ(error_of(403, "quotaExceeded").code(), "storage_full");
    EXPECT_EQ(error_of(403, "insufficientPermissions").code(), "access_denied");
    EXPECT_EQ(error_of(403, "retentionPolicyNotMet").code(), "access_denied");
}

TEST(GcsError, AnAnswerWithoutADocumentIsTakenByItsStatus) {
    EXPECT_EQ(error_of(401, "").code(), "credentials_refused");
    EXPECT_EQ(error_of(403, "").code(), "access_denied");
    EXPECT_EQ(error_of(404, "").code(), "bucket_missing");
    HttpResponse page;
    page.status = 502;
    page.headers = {{"content-type", "text/html"}};
    page.body = copy_of(as_bytes("<html>bad gateway"));
    EXPECT_EQ(read_gcs_refusal(page).code, "");
    EXPECT_EQ(read_gcs_refusal(page).message, "");
    page.body = copy_of(as_bytes(R"({"error": ["x"]})"));
    EXPECT_EQ(read_gcs_refusal(page).message, "");
}

/// The answer to alt=media is a plain text.
TEST(GcsError, TellsAMissingObjectFromAMissingBucket) {
    HttpResponse response;
    response.status = 404;
    response.headers = {{"content-type", "text/plain; charset=utf-8"}};
    response.body = copy_of(as_bytes("No such object: shop/x/config"));
    EXPECT_EQ(what_is_absent(read_gcs_refusal(response)), GcsAbsence::object);
    response = answer_of(404, "notFound", "No such object: shop/x/config");
    EXPECT_EQ(what_is_absent(read_gcs_refusal(response)), GcsAbsence::object);
    response = answer_of(404, "notFound", "The specified bucket does not exist.");
    EXPECT_EQ(what_is_absent(read_gcs_refusal(response)), GcsAbsence::bucket);
    response = answer_of(404, "notFound", "Not Found");
    EXPECT_EQ(what_is_absent(read_gcs_refusal(response)), GcsAbsence::unknown);
}

}  // namespace
}  // namespace dbbackup
