#include "storage/gcs/gcs_generations.hpp"

#include "storage/cloud/service_answer.hpp"
#include "storage/gcs/gcs_object.hpp"
#include "storage/operation.hpp"

#include <fmt/format.h>

#include <optional>

namespace dbbackup {
namespace {

/// One page. Nothing when the bucket keeps no deleted objects.
std::optional<nlohmann::json> list_page(const GcsBucket& bucket, GcsKept kept,
                                        const std::string& prefix, const std::string& query,
                                        const std::stop_token& stop) {
    HttpRequest request;
    request.url = fmt::format(
        "{}{}/o?{}=true&prefix={}&fields={}{}", bucket.server, bucket.path,
        kept == GcsKept::deleted ? "softDeleted" : "versions", percent_encoded(prefix),
        percent_encoded("items(name,generation,size,updated,timeDeleted,metadata),nextPageToken"),
        query);
    const HttpResponse response = bucket.send(request, stop);
    if (kept == GcsKept::deleted && response.status == http_status::bad_request) {
        return std::nullopt;
    }
    if (response.status != http_status::ok) {
        throw bucket.refused(response, "list what was removed", "storage.objects.list");
    }
    nlohmann::json page = gcs_json_of(response);
    if (!page.is_object()) {
        throw StorageError("the store answers a listing that is no JSON", Retry::may_help);
    }
    return page;
}

}  // namespace

void list_gcs_generations(const GcsBucket& bucket, GcsKept kept, const std::string& prefix,
                          const std::function<void(const GcsGeneration&)>& visit,
                          const std::stop_token& stop) {
    std::string token;
    do {
        const std::optional<nlohmann::json> page =
            list_page(bucket, kept, prefix,
                      token.empty() ? "" : "&pageToken=" + percent_encoded(token), stop);
        if (!page) {
            return;
        }
        for (const nlohmann::json& item : gcs_property(*page, "items")) {
            throw_if_stopped(stop);
            GcsGeneration found;
            found.key = text_at(item, "name");
            found.number = parse_gcs_number(text_at(item, "generation")).value_or(0);
            found.is_live = kept == GcsKept::generations && text_at(item, "timeDeleted").empty();
            found.is_marked = !text_at(gcs_property(item, "metadata"), kGcsRemovedMark).empty();
            found.size_bytes = parse_gcs_number(text_at(item, "size")).value_or(0);
            found.modified_at =
                parse_second(text_at(item, "updated")).value_or(std::chrono::sys_seconds());
            visit(found);
        }
        token = text_at(*page, "nextPageToken");
    } while (!token.empty());
}

bool keeps_deleted_objects(const GcsBucket& bucket, const std::stop_token& stop) {
    return list_page(bucket, GcsKept::deleted, bucket.object_prefix, "&maxResults=1", stop)
        .has_value();
}

}  // namespace dbbackup
