/// @file
/// Which unfinished uploads are ended: by the clock of the store, whatever ours says.

#include "storage/s3/s3_abandoned.hpp"

#include "storage/s3/s3_error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace dbbackup {
namespace {

constexpr std::chrono::hours kWeek{7 * 24};
/// The store's clock; ours is years ahead.
constexpr const char* kDate = "Wed, 15 Jan 2020 12:00:00 GMT";
constexpr const char* kOld = "2020-01-08T12:00:00.000Z";
constexpr const char* kYoung = "2020-01-08T12:00:01.000Z";

struct Unfinished {
    std::string key;
    std::string initiated;
    std::vector<std::string> parts = {};  ///< When each came.
};

/// Tells one upload, and one part, on each page.
class Listing {
public:
    explicit Listing(std::vector<Unfinished> uploads) : uploads_(std::move(uploads)) {}

    S3Bucket bucket() {
        return {[this](const S3Call& call, const std::stop_token&) { return answer(call); },
                [](const HttpResponse& response, const std::string& doing,
                   const std::string& permission) {
                    return s3_error(response, S3Place{}, doing, permission);
                }};
    }

    std::set<std::string> aborted;
    std::string date = kDate;
    std::map<std::string, int> status = {};  ///< Of answers, by method and kind.

private:
    static std::string value_of(const S3Call& call, const std::string& name) {
        for (const auto& [key, value] : call.query) {
            if (key == name) {
                return value;
            }
        }
        return {};
    }

    HttpResponse answer(const S3Call& call) {
        if (call.method == "DELETE") {
            aborted.insert(call.key);
            return {status.contains("abort") ? status["abort"] : 204, {}, {}};
        }
        std::string body;
        if (call.key.empty()) {
            EXPECT_EQ(value_of(call, "prefix"), "prod/");
            const std::string marker = value_of(call, "key-marker");
            const std::size_t at = marker.empty() ? 0 : std::stoul(marker);
            body = fmt::format(
                "<ListMultipartUploadsResult><IsTruncated>{}</IsTruncated>"
                "<NextKeyMarker>{}</NextKeyMarker>",
                at + 1 < uploads_.size(), at + 1);
            if (at < uploads_.size()) {
                body += fmt::format(
                    "<Upload><Key>{}</Key><UploadId>{}</UploadId><Initiated>{}</Initiated>"
                    "</Upload>",
                    uploads_[at].key, at, uploads_[at].initiated);
            }
            body += "</ListMultipartUploadsResult>";
        } else {
            const Unfinished& upload = uploads_.at(std::stoul(value_of(call, "uploadId")));
            const std::string marker = value_of(call, "part-number-marker");
            const std::size_t at = marker.empty() ? 0 : std::stoul(marker);
            body = fmt::format(
                "<ListPartsResult><IsTruncated>{}</IsTruncated>"
                "<NextPartNumberMarker>{}</NextPartNumberMarker>",
                at + 1 < upload.parts.size(), at + 1);
            if (at < upload.parts.size()) {
                body +=
                    fmt::format("<Part><LastModified>{}</LastModified></Part>", upload.parts[at]);
            }
            body += "</ListPartsResult>";
        }
        const std::string kind = call.key.empty() ? "list" : "parts";
        return {status.contains(kind) ? status[kind] : 200,
                {{"date", date}},
                Bytes(body.begin(), body.end())};
    }

    std::vector<Unfinished> uploads_;
};

using Keys = std::set<std::string>;

TEST(S3Abandoned, EndsWhatWasSilentForSoLong) {
    Listing listing({{"prod/without-parts", kOld},
                     {"prod/young", kYoung},
                     {"prod/all-old", kOld, {kOld, kOld, kOld}},
                     {"prod/lives", kOld, {kOld, kOld, kYoung}},
                     {"prod/last", kOld, {kOld}}});
    end_abandoned_s3_uploads(listing.bucket(), "prod/", kWeek, {});
    EXPECT_EQ(listing.aborted, (Keys{"prod/without-parts", "prod/all-old", "prod/last"}));
}

TEST(S3Abandoned, LeavesAloneWhatIsNotOurs) {
    Listing listing({{"prod/Photos of 2019.tar", kOld}, {"prod/x/../y", kOld}, {"other", kOld}});
    end_abandoned_s3_uploads(listing.bucket(), "prod/", kWeek, {});
    EXPECT_EQ(listing.aborted, Keys{});
}

TEST(S3Abandoned, EndsNothingByAClockThatIsNotTheStores) {
    Listing listing({{"prod/a", kOld}, {"prod/b", "no time", {kOld}}});
    listing.date = "";
    end_abandoned_s3_uploads(listing.bucket(), "prod/", kWeek, {});
    listing.date = kDate;
    EXPECT_EQ(listing.aborted, Keys{});
    end_abandoned_s3_uploads(listing.bucket(), "prod/", kWeek, {});
    EXPECT_EQ(listing.aborted, Keys{"prod/a"}) << "what began at no time is not old";
}

TEST(S3Abandoned, ToleratesThatSomebodyElseWasFaster) {
    Listing listing({{"prod/a", kOld}, {"prod/b", kOld}});
    listing.status["abort"] = 404;
    EXPECT_NO_THROW(end_abandoned_s3_uploads(listing.bucket(), "prod/", kWeek, {}));
    EXPECT_EQ(listing.aborted.size(), 2U);
    listing.aborted.clear();
    listing.status["parts"] = 404;
    EXPECT_NO_THROW(end_abandoned_s3_uploads(listing.bucket(), "prod/", kWeek, {}));
    EXPECT_EQ(listing.aborted, Keys{});
}

TEST(S3Abandoned, SaysWhatItMayNotDo) {
    Listing listing(std::vector<Unfinished>{{"prod/a", kOld}});
    for (const auto& [kind, permission] : {std::pair{"abort", "s3:AbortMultipartUpload"},
                                           {"parts", "s3:ListMultipartUploadParts"},
                                           {"list", "s3:ListBucketMultipartUploads"}}) {
        listing.status = {{kind, 403}};
        try {
            end_abandoned_s3_uploads(listing.bucket(), "prod/", kWeek, {});
            ADD_FAILURE() << kind;
        } catch (const StorageError& error) {
            EXPECT_NE(error.hint().find(permission), std::string::npos) << error.hint();
        }
    }
}

}  // namespace
}  // namespace dbbackup
