#include "storage/gcs/gcs_storage.hpp"

#include "base/plain_json.hpp"
#include "crypto/hash.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/gcs/crc32c.hpp"
#include "storage/gcs/gcs_error.hpp"
#include "storage/gcs/gcs_object.hpp"
#include "storage/gcs/gcs_place.hpp"
#include "storage/gcs/gcs_protection.hpp"
#include "storage/gcs/gcs_upload.hpp"
#include "storage/gcs/google_credentials.hpp"
#include "storage/operation.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace dbbackup {
namespace {

/// Name and checksum in a first part, the content in a second one. Source: Cloud Storage, "Upload
/// an object with metadata" (RFC 2387).
struct MultipartBody {
    std::string content_type;
    Bytes body;
};

/// @param settings What the object's resource has beside them.
MultipartBody multipart_body(const std::string& name, BytesView content,
                             const nlohmann::json& settings) {
    // Nothing in the content is so long and of chance.
    const std::string boundary = "db-backup-" + to_hex(random_bytes(16));
    nlohmann::json metadata = {{"name", name}, {"crc32c", crc32c_text(crc32c(content))}};
    metadata.update(settings);
    const std::string head = fmt::format(
        "--{0}\r\ncontent-type: application/json\r\n\r\n{1}\r\n"
        "--{0}\r\ncontent-type: application/octet-stream\r\n\r\n",
        boundary, metadata.dump());
    const std::string tail = fmt::format("\r\n--{}--\r\n", boundary);
    MultipartBody upload;
    upload.content_type = "multipart/related; boundary=" + boundary;
    upload.body.reserve(head.size() + content.size() + tail.size());
    upload.body.insert(upload.body.end(), head.begin(), head.end());
    upload.body.insert(upload.body.end(), content.begin(), content.end());
    upload.body.insert(upload.body.end(), tail.begin(), tail.end());
    return upload;
}

class GcsStorage final : public Storage {
public:
    GcsStorage(const StorageUrl& url, const ReadVariable& variable, const Clock& clock,
               ObjectRules rules)
        : place_(gcs_place(url, variable)),
          rules_(std::move(rules)),
          bucket_path_("/storage/v1/b/" + percent_encoded(place_.bucket)),
          http_(store_options(place_.ca_file)),
          metadata_http_(metadata_options()),
          credentials_(variable, clock, http_, metadata_http_),
          owner_credentials_(variable, clock, http_, metadata_http_, GoogleScope::metadata),
          clock_(clock),
          protection_(place_, bucket(), clock) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        const nlohmann::json settings = settings_of(name);
        const bool is_locked = settings.contains(kGcsRetention);
        const MultipartBody upload = multipart_body(place_.prefix + name.text(), content, settings);
        HttpRequest request;
        request.method = "POST";
        request.url = fmt::format(
            "{}/upload{}/o?uploadType=multipart&ifGenerationMatch=0&fields=generation{}",
            place_.server, bucket_path_, is_locked ? "%2Cretention" : "");
        if (!place_.kms_key.empty()) {
            request.url += "&kmsKeyName=" + percent_encoded(place_.kms_key);
        }
        request.headers = {{"content-type", upload.content_type}};
        request.body = upload.body;
        const HttpResponse response = send(request, stop);
        if (response.status == http_status::ok) {
            if (is_locked) {
                check_lock(name, response, stop);
            }
            return PutResult::created;
        }
        if (response.status == http_status::precondition_failed) {
            return PutResult::exists;
        }
        throw refused(response, fmt::format("store {}", name.text()),
                      is_locked ? "storage.objects.create or storage.objects.setRetention"
                                : "storage.objects.create");
    }

    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override {
        throw_if_stopped(stop);
        return std::make_unique<GcsUpload>(bucket(), name, settings_of(name));
    }

    /// Nothing to do: unfinished ones end by themselves within a week, and are not billed.
    void end_abandoned_uploads(std::chrono::seconds /*silence*/, std::stop_token stop) override {
        throw_if_stopped(stop);
    }

    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override {
        return fetch(name, {}, stop);
    }

    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override {
        if (range.length_bytes == 0) {
            return size_bytes(name, stop) ? std::optional(Bytes()) : std::nullopt;
        }
        return fetch(name, {{"range", range_value(range)}}, stop);
    }

    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override {
        HttpRequest request;
        request.url = url_of(name) + "?fields=size";
        const std::string doing = fmt::format("look at {}", name.text());
        const HttpResponse response = send(request, stop);
        if (is_absent(response, doing, "storage.objects.get", stop)) {
            return std::nullopt;
        }
        if (response.status != http_status::ok) {
            throw refused(response, doing, "storage.objects.get");
        }
        const auto size =
            parse_gcs_number(text_at(parse_plain_json(as_text(response.body)), "size"));
        if (!size) {
            throw StorageError(fmt::format("{} tells no size of {}", place_.url, name.text()),
                               Retry::may_help);
        }
        return size;
    }

    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override {
        std::string page;
        std::string next;
        do {
            page = next;
            const nlohmann::json listing =
                list_page(listed_prefix(place_.prefix, prefix), page, stop);
            next = text_at(listing, "nextPageToken");
            if (!next.empty() && next == page) {
                throw StorageError(fmt::format("{} answers the same page of a listing again and "
                                               "again",
                                               place_.url),
                                   Retry::may_help);
            }
            if (const auto items = listing.find("items");
                items != listing.end() && items->is_array()) {
                for (const nlohmann::json& found : *items) {
                    throw_if_stopped(stop);
                    tell(found, visit);
                }
            }
        } while (!next.empty());
    }

    void remove(const ObjectName& name, std::stop_token stop) override {
        protection_.remove(name, stop);
    }

    [[nodiscard]] std::string url() const override { return place_.url; }
    [[nodiscard]] StorageCapabilities capabilities() const override {
        StorageCapabilities capabilities;
        capabilities.lock = place_.lock ? place_.lock->days : std::chrono::days(0);
        return capabilities;
    }
    [[nodiscard]] ObjectProtection* protection() override { return &protection_; }

private:
    /// Class and retention, as the object's resource has them.
    [[nodiscard]] nlohmann::json settings_of(const ObjectName& name) const {
        nlohmann::json settings = nlohmann::json::object();
        if (rules_.is_large(name) && !place_.storage_class.empty()) {
            settings["storageClass"] = place_.storage_class;
        }
        if (place_.lock && rules_.lasts(name)) {
            const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
            settings[kGcsRetention] = gcs_retention(place_.lock->mode, now + place_.lock->days);
        }
        return settings;
    }

    /// Its functions borrow this.
    [[nodiscard]] GcsBucket bucket() {
        GcsBucket bucket;
        bucket.server = place_.server;
        bucket.path = bucket_path_;
        bucket.object_prefix = place_.prefix;
        bucket.kms_key = place_.kms_key;
        bucket.send = [this](const HttpRequest& request, const std::stop_token& stopped) {
            return send(request, stopped);
        };
        bucket.change = [this](const HttpRequest& request, const std::stop_token& stopped) {
            return send_with(owner_credentials_, request, stopped);
        };
        bucket.refused = [this](const HttpResponse& response, const std::string& doing,
                                const std::string& permission) {
            return refused(response, doing, permission);
        };
        bucket.lock_missing = [this](const std::string& doing) {
            return gcs_lock_missing(place_, doing);
        };
        return bucket;
    }

    /// A server that knows no retention takes the object, and locks nothing.
    void check_lock(const ObjectName& name, const HttpResponse& response,
                    const std::stop_token& stop) {
        if (!has_gcs_retention(parse_plain_json(as_text(response.body)))) {
            protection_.remove(name, stop);
            throw gcs_lock_missing(place_, fmt::format("store {}", name.text()));
        }
    }

    [[nodiscard]] std::string url_of(const ObjectName& name) const {
        return fmt::format("{}{}/o/{}", place_.server, bucket_path_,
                           percent_encoded(place_.prefix + name.text()));
    }

    HttpResponse send(const HttpRequest& request, const std::stop_token& stop) {
        return send_with(credentials_, request, stop);
    }

    /// A token that is refused may have ended: a new one is tried once.
    HttpResponse send_with(GoogleCredentialChain& credentials, const HttpRequest& request,
                           const std::stop_token& stop) {
        if (place_.is_anonymous) {
            return http_.send(request, stop);
        }
        auto token = credentials.token(stop);
        HttpResponse response = send_with(*token, request, stop);
        if (response.status == http_status::unauthorized) {
            credentials.forget(token);
            token = credentials.token(stop);
            response = send_with(*token, request, stop);
        }
        return response;
    }

    HttpResponse send_with(const GoogleToken& token, HttpRequest request,
                           const std::stop_token& stop) {
        request.headers.emplace_back("authorization",
                                     fmt::format("Bearer {}", as_text(token.bearer.bytes())));
        return http_.send(request, stop);
    }

    std::optional<Bytes> fetch(const ObjectName& name, HttpHeaders headers,
                               const std::stop_token& stop) {
        HttpRequest request;
        request.url = url_of(name) + "?alt=media";
        request.headers = std::move(headers);
        const std::string doing = fmt::format("read {}", name.text());
        HttpResponse response = send(request, stop);
        if (std::optional<Bytes> content = taken_content(response)) {
            return content;
        }
        if (is_absent(response, doing, "storage.objects.get", stop)) {
            return std::nullopt;
        }
        throw refused(response, doing, "storage.objects.get");
    }

    bool is_absent(const HttpResponse& response, const std::string& doing,
                   const std::string& permission, const std::stop_token& stop) {
        return protection_.is_absent(response, doing, permission, stop);
    }

    nlohmann::json list_page(const std::string& prefix, const std::string& page,
                             const std::stop_token& stop) {
        HttpRequest request;
        request.url = fmt::format("{}{}/o?prefix={}&fields={}{}{}", place_.server, bucket_path_,
                                  percent_encoded(prefix),
                                  percent_encoded("kind,items(name,size,updated),nextPageToken"),
                                  page.empty() ? "" : "&pageToken=", percent_encoded(page));
        const HttpResponse response = send(request, stop);
        if (response.status != http_status::ok) {
            throw refused(response, "list objects", "storage.objects.list");
        }
        const std::string_view text = as_text(response.body);
        nlohmann::json listing = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
        // An empty listing has no items, and neither has what a proxy says in the store's place.
        if (text_at(listing, "kind") != "storage#objects") {
            throw StorageError(fmt::format("{} answers a listing that is none", place_.url),
                               Retry::may_help);
        }
        return listing;
    }

    void tell(const nlohmann::json& found,
              const std::function<void(const ObjectInfo&)>& visit) const {
        const auto name = name_of_key(text_at(found, "name"), place_.prefix);
        if (!name) {
            return;
        }
        visit({*name, parse_gcs_number(text_at(found, "size")).value_or(0),
               parse_second(text_at(found, "updated")).value_or(std::chrono::sys_seconds())});
    }

    [[nodiscard]] StorageError refused(const HttpResponse& response, const std::string& doing,
                                       const std::string& permission) const {
        return gcs_error(response, place_, doing, permission);
    }

    GcsPlace place_;
    ObjectRules rules_;
    std::string bucket_path_;
    HttpClient http_;
    HttpClient metadata_http_;
    GoogleCredentialChain credentials_;
    GoogleCredentialChain owner_credentials_;  ///< Asked for a token when one is needed.
    const Clock& clock_;
    GcsProtection protection_;
};

}  // namespace

std::unique_ptr<Storage> make_gcs_storage(const StorageUrl& url, const ReadVariable& variable,
                                          const Clock& clock, ObjectRules rules) {
    return std::make_unique<GcsStorage>(url, variable, clock, std::move(rules));
}

}  // namespace dbbackup
