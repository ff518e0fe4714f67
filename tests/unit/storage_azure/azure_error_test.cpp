#include "storage/azure/azure_error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

HttpResponse answer(int status, const std::string& code, const std::string& detail = {},
                    const std::string& message = "said\nRequestId:1\nTime:2") {
    HttpResponse response;
    response.status = status;
    const std::string text = code.empty()
                                 ? ""
                                 : fmt::format(
                                       "\xEF\xBB\xBF<?xml version=\"1.0\"?><Error><Code>{}</Code>"
                                       "<Message>{}</Message><AuthenticationErrorDetail>{}"
                                       "</AuthenticationErrorDetail></Error>",
                                       code, message, detail);
    response.body = copy_of(as_bytes(text));
    return response;
}

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(784111777)};

StorageError error_of(const HttpResponse& response,
                      std::optional<std::chrono::sys_seconds> expires_at = {},
                      const std::string& permission = "c (create)") {
    const AzurePlace place =
        azure_place(StorageUrl::parse("az://backups/x?account=shop"),
                    [](const char*) -> std::optional<std::string> { return std::nullopt; });
    return azure_error(response, place, {"store packs/ab", permission, kNow, expires_at});
}

TEST(AzureError, SaysWhatTheStoreSaidAndWhatToDo) {
    const StorageError error = error_of(answer(403, "AuthorizationPermissionMismatch"));
    EXPECT_STREQ(error.what(),
                 "cannot store packs/ab in az://backups/x: the store answers 403 "
                 "AuthorizationPermissionMismatch: said");
    EXPECT_EQ(error.code(), "access_denied");
    EXPECT_EQ(error.hint(),
              "Give the identity the role 'Storage Blob Data Contributor' on the container "
              "'backups', or the shared access signature the permission c (create).");
    EXPECT_EQ(error.retry(), Retry::never);
    const StorageError reading =
        error_of(answer(403, "AuthorizationPermissionMismatch"), {}, "r (read)");
    EXPECT_NE(reading.hint().find("'Storage Blob Data Reader'"), std::string::npos);
}

TEST(AzureError, TellsWhatOneCodeStandsFor) {
    const auto code_of = [](const std::string& code, const std::string& detail) {
        return error_of(answer(403, code, detail)).code();
    };
    EXPECT_EQ(code_of("AuthenticationFailed", ""), "credentials_refused");
    EXPECT_EQ(code_of("AuthenticationFailed", "Signature did not match."), "credentials_refused");
    EXPECT_EQ(code_of("AuthenticationFailed",
                      "Signature not valid in the specified time frame: Start [x] - Expiry [y]"),
              "credentials_expired");
    EXPECT_EQ(
        code_of("InvalidAuthenticationInfo", "Lifetime validation failed. The token is expired."),
        "credentials_expired");
    EXPECT_EQ(code_of("AuthenticationFailed", "Request date header too old: 'x'"), "clock_skewed");
    EXPECT_EQ(code_of("AuthorizationFailure", ""), "access_denied");
    EXPECT_EQ(error_of(answer(403, "AuthorizationFailure", "",
                              "Server failed to authenticate the request. Make sure"))
                  .code(),
              "credentials_refused");
}

TEST(AzureError, BelievesCredentialsThatSayTheyHaveEnded) {
    EXPECT_EQ(error_of(answer(403, "AuthorizationFailure"), kNow).code(), "credentials_expired");
    EXPECT_EQ(error_of(answer(404, "ContainerNotFound"), kNow).code(), "bucket_missing");
    const auto later = kNow + std::chrono::minutes(10);
    EXPECT_EQ(error_of(answer(403, "AuthorizationFailure"), later).code(), "access_denied");
    HttpResponse theirs = answer(403, "AuthorizationFailure");
    theirs.headers.emplace_back("date", "Sun, 06 Nov 1994 09:00:00 GMT");
    EXPECT_EQ(error_of(theirs, later).code(), "credentials_expired") << "the store's clock counts";
}

TEST(AzureError, SeesAWrongClockByTheStoresOwn) {
    HttpResponse head;
    head.status = 403;
    head.headers = {{"x-ms-error-code", "AuthenticationFailed"},
                    {"date", "Sun, 06 Nov 1994 09:04:00 GMT"}};
    EXPECT_EQ(error_of(head).code(), "credentials_refused");
    head.headers[1].second = "Sun, 06 Nov 1994 08:00:00 GMT";
    EXPECT_EQ(error_of(head).code(), "clock_skewed");
}

TEST(AzureError, TheDetailStaysHere) {
    const StorageError error = error_of(answer(403, "AuthenticationFailed", "sig=hunter2"));
    EXPECT_EQ((error.what() + error.hint()).find("hunter2"), std::string::npos);
}

TEST(AzureError, KnowsWhatMayPass) {
    for (const auto& [status, code] :
         {std::pair(503, "ServerBusy"), std::pair(500, "OperationTimedOut"),
          std::pair(400, "Md5Mismatch"), std::pair(500, ""), std::pair(429, "")}) {
        EXPECT_EQ(error_of(answer(status, code)).retry(), Retry::may_help) << status << code;
    }
    for (const auto& [status, code] :
         {std::pair(403, "AuthenticationFailed"), std::pair(404, "ContainerNotFound"),
          std::pair(501, ""), std::pair(400, "")}) {
        EXPECT_EQ(error_of(answer(status, code)).retry(), Retry::never) << status << code;
    }
}

TEST(AzureError, AnAnswerWithoutABodyIsTakenByItsHeader) {
    HttpResponse head;
    head.status = 404;
    head.headers = {{"x-ms-error-code", "ContainerNotFound"}};
    const StorageError error = error_of(head);
    EXPECT_EQ(error.code(), "bucket_missing");
    EXPECT_NE(error.hint().find("container 'backups'"), std::string::npos) << error.hint();
    EXPECT_EQ(error_of(answer(403, "")).code(), "access_denied");
    HttpResponse page;
    page.status = 502;
    page.body = copy_of(as_bytes("<html>bad gateway"));
    EXPECT_EQ(read_azure_refusal(page).code, "");
}

}  // namespace
}  // namespace dbbackup
