#include "storage/s3/s3_error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

StorageError error_of(int status, const std::string& code, const std::string& more = {}) {
    HttpResponse response;
    response.status = status;
    const std::string text = code.empty() ? ""
                                          : fmt::format(
                                                "<?xml version=\"1.0\"?><Error><Code>{}"
                                                "</Code><Message>said</Message>{}</Error>",
                                                code, more);
    response.body = copy_of(as_bytes(text));
    const S3Place place = s3_place(StorageUrl::parse("s3://shop/x"), "us-east-1");
    return s3_error(response, place, "store packs/ab", "s3:PutObject");
}

TEST(S3Error, SaysWhatTheStoreSaidAndWhatToDo) {
    const StorageError error = error_of(403, "AccessDenied");
    EXPECT_STREQ(error.what(),
                 "cannot store packs/ab in s3://shop/x: the store answers 403 AccessDenied: said");
    EXPECT_EQ(error.code(), "access_denied");
    EXPECT_EQ(error.hint(), "These keys lack the permission s3:PutObject on the bucket 'shop'.");
    EXPECT_EQ(error.retry(), Retry::never);
}

TEST(S3Error, TellsTheRightRegion) {
    const StorageError error =
        error_of(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>");
    EXPECT_EQ(error.code(), "wrong_region");
    EXPECT_NE(error.hint().find("region=eu-west-3"), std::string::npos) << error.hint();
}

TEST(S3Error, KnowsWhatMayPass) {
    for (const auto& [status, code] :
         {std::pair(503, "SlowDown"), std::pair(409, "ConditionalRequestConflict"),
          std::pair(400, "RequestTimeout"), std::pair(404, "NoSuchVersion"), std::pair(500, ""),
          std::pair(429, "")}) {
        EXPECT_EQ(error_of(status, code).retry(), Retry::may_help) << status << code;
    }
    for (const auto& [status, code] :
         {std::pair(403, "SignatureDoesNotMatch"), std::pair(404, "NoSuchBucket"),
          std::pair(501, "NotImplemented"), std::pair(400, "")}) {
        EXPECT_EQ(error_of(status, code).retry(), Retry::never) << status << code;
    }
}

TEST(S3Error, EveryRefusalOfKeysHasTheSameName) {
    for (const char* code : {"SignatureDoesNotMatch", "InvalidAccessKeyId", "XAdminUserNotFound"}) {
        EXPECT_EQ(error_of(403, code).code(), "credentials_refused") << code;
    }
}

TEST(S3Error, AnAnswerWithoutAWordIsTakenByItsStatus) {
    EXPECT_EQ(error_of(403, "").code(), "access_denied");
    EXPECT_EQ(error_of(301, "").code(), "wrong_region");
    HttpResponse page;
    page.status = 502;
    page.body = copy_of(as_bytes("<html>bad gateway"));
    EXPECT_EQ(read_refusal(page).code, "");
}

}  // namespace
}  // namespace dbbackup
