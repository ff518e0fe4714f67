#include "storage/azure/azure_storage.hpp"

#include "crypto/base64.hpp"
#include "crypto/md5.hpp"
#include "storage/azure/azure_call.hpp"
#include "storage/azure/azure_credentials.hpp"
#include "storage/azure/azure_error.hpp"
#include "storage/azure/azure_listing.hpp"
#include "storage/azure/azure_place.hpp"
#include "storage/azure/azure_protection.hpp"
#include "storage/azure/azure_upload.hpp"
#include "storage/azure/shared_key.hpp"
#include "storage/cloud/http_date.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/cloud/url_parameters.hpp"
#include "storage/operation.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace dbbackup {
namespace {

/// Every cloud of Azure and Azurite have it, and it has what is used here: tokens (2017-11-09), and
/// listings whose names are always XML (2021-02-12). A version that is named keeps its meaning, so
/// a newer one would bring nothing but clouds and servers that do not know it.
constexpr const char* kVersion = "2021-12-02";

constexpr int kCreated = 201;

using Query = std::vector<std::pair<std::string, std::string>>;

using Call = AzureCall;

std::string encoded(const Query& query) {
    std::string text;
    for (const auto& [name, value] : query) {
        text += fmt::format("{}{}={}", text.empty() ? "" : "&", percent_encoded(name),
                            percent_encoded(value));
    }
    return text;
}

class AzureStorage final : public Storage {
public:
    AzureStorage(const StorageUrl& url, const ReadVariable& variable, const Clock& clock,
                 ObjectRules rules)
        : clock_(clock),
          rules_(std::move(rules)),
          place_(azure_place(url, variable)),
          local_http_(metadata_options()),
          remote_http_(HttpOptions{}),
          credentials_(variable, clock, {local_http_, remote_http_}, place_.account),
          http_(store_options(place_.ca_file)),
          protection_(place_, container(), clock) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        Call call{"PUT", name.text()};
        call.headers = {{"if-none-match", "*"},
                        {"x-ms-blob-type", "BlockBlob"},
                        {"content-md5", to_base64(md5(content))}};
        add(storing_headers(), call.headers);
        add(making_headers(name), call.headers);
        call.body = content;
        const BlobAnswer response = send(call, stop);
        if (response.status == kCreated) {
            if (is_locked(name)) {
                protection_.check_lock(name, stop);
            }
            return PutResult::created;
        }
        if (response.status == http_status::precondition_failed ||
            (response.status == http_status::conflict &&
             read_azure_refusal(response).code == "BlobAlreadyExists") ||
            would_overwrite(response, name, stop)) {
            return PutResult::exists;
        }
        const std::string doing = fmt::format("store {}", name.text());
        if (is_locked(name)) {
            throw protection_.why_not_locked(response, doing,
                                             "c (create) or i (set immutability policy)", stop);
        }
        throw refused(response, doing, "c (create)");
    }

    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override {
        throw_if_stopped(stop);
        AzureContainer container = this->container();
        container.storing_headers = storing_headers();
        container.making_headers = making_headers(name);
        if (is_locked(name)) {
            container.refused = [this](const BlobAnswer& response, const std::string& doing,
                                       const std::string& permission) {
                return protection_.why_not_locked(response, doing, permission, {});
            };
            container.made = [this, name](const std::stop_token& stopped) {
                protection_.check_lock(name, stopped);
            };
        }
        return std::make_unique<AzureUpload>(std::move(container), name);
    }

    /// Nothing to do: blocks that no list names go by themselves in a week.
    void end_abandoned_uploads(std::chrono::seconds /*silence*/, std::stop_token stop) override {
        throw_if_stopped(stop);
    }

    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override {
        return fetch({"GET", name.text()}, name, stop);
    }

    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override {
        if (range.length_bytes == 0) {
            return size_bytes(name, stop) ? std::optional(Bytes()) : std::nullopt;
        }
        Call call{"GET", name.text()};
        call.headers = {{"x-ms-range", range_value(range)}};
        return fetch(call, name, stop);
    }

    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override {
        const BlobAnswer response = send({"HEAD", name.text()}, stop);
        if (is_azure_absence(response)) {
            return std::nullopt;
        }
        const std::string length = response.header("content-length").value_or("");
        if (response.status != http_status::ok || length.empty()) {
            throw refused(response, fmt::format("look at {}", name.text()), "r (read)");
        }
        return std::stoull(length);
    }

    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override {
        Call call{"GET", ""};
        call.query = {{"restype", "container"},
                      {"comp", "list"},
                      {"prefix", listed_prefix(place_.prefix, prefix)}};
        const std::size_t fixed = call.query.size();
        for (bool is_last = false; !is_last;) {
            const BlobAnswer response = send(call, stop);
            if (response.status != http_status::ok) {
                throw refused(response, "list objects", "l (list)");
            }
            const std::optional<BlobListing> listing = parse_blob_listing(response.body);
            if (!listing) {
                throw StorageError(fmt::format("{} answers a listing that is none", place_.url),
                                   Retry::may_help);
            }
            is_last = listing->next_marker.empty();
            if (!is_last && listing->next_marker == call.query.back().second) {
                throw StorageError(fmt::format("{} answers the same page of a listing again and "
                                               "again",
                                               place_.url),
                                   Retry::may_help);
            }
            call.query.resize(fixed);
            call.query.emplace_back("marker", listing->next_marker);
            for (const ListedBlob& blob : listing->blobs) {
                throw_if_stopped(stop);
                tell(blob, visit);
            }
        }
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
    static void add(const HttpHeaders& more, HttpHeaders& headers) {
        headers.insert(headers.end(), more.begin(), more.end());
    }
    [[nodiscard]] HttpHeaders storing_headers() const {
        return place_.encryption_scope.empty()
                   ? HttpHeaders{}
                   : HttpHeaders{{"x-ms-encryption-scope", place_.encryption_scope}};
    }
    [[nodiscard]] bool is_locked(const ObjectName& name) const {
        return place_.lock && rules_.lasts(name);
    }
    [[nodiscard]] HttpHeaders making_headers(const ObjectName& name) const {
        HttpHeaders headers;
        if (is_locked(name)) {
            headers = protection_.lock_headers();
        }
        if (!place_.access_tier.empty() && rules_.is_large(name)) {
            headers.emplace_back("x-ms-access-tier", place_.access_tier);
        }
        return headers;
    }

    /// Its functions borrow this.
    [[nodiscard]] AzureContainer container() {
        AzureContainer container;
        container.send = [this](const Call& call, const std::stop_token& stopped) {
            return send(call, stopped);
        };
        container.refused = [this](const BlobAnswer& response, const std::string& doing,
                                   const std::string& permission) {
            return refused(response, doing, permission);
        };
        return container;
    }

    /// A token that has ended is asked for once more.
    BlobAnswer send(const Call& call, const std::stop_token& stop) {
        auto credentials = credentials_.get(stop);
        HttpResponse response = send_with(*credentials, call, stop);
        const bool is_refused = response.status == http_status::unauthorized ||
                                response.status == http_status::forbidden;
        if (is_refused && credentials->kind == AzureCredentials::Kind::bearer &&
            is_about_credentials(read_azure_refusal(response))) {
            credentials_.forget(credentials);
            credentials = credentials_.get(stop);
            response = send_with(*credentials, call, stop);
        }
        return {std::move(response), credentials->expires_at};
    }

    HttpResponse send_with(const AzureCredentials& credentials, const Call& call,
                           const std::stop_token& stop) {
        BlobRequest to_send{call.method, place_.account, place_.root,
                            call.query,  call.headers,   call.body.size()};
        if (!call.name.empty()) {
            to_send.path += percent_encoded(fmt::format("/{}{}", place_.prefix, call.name), true);
        }
        to_send.headers.emplace_back("x-ms-date", http_date(now()));
        to_send.headers.emplace_back("x-ms-version", kVersion);
        const std::string source =
            call.copied_version.empty()
                ? std::string()
                : url_of(to_send.path, "versionid=" + percent_encoded(call.copied_version));
        std::string query = encoded(call.query);
        if (!source.empty() && credentials.kind != AzureCredentials::Kind::sas) {
            to_send.headers.emplace_back("x-ms-copy-source", source);
        }
        switch (credentials.kind) {
            case AzureCredentials::Kind::account_key:
                to_send.headers.emplace_back("authorization",
                                             shared_key(to_send, credentials.secret.bytes()));
                break;
            case AzureCredentials::Kind::sas:
                require_private();
                query += (query.empty() ? "" : "&");
                query += as_text(credentials.secret.bytes());
                if (!source.empty()) {  // It is read by what it is written with.
                    to_send.headers.emplace_back(
                        "x-ms-copy-source",
                        fmt::format("{}&{}", source, as_text(credentials.secret.bytes())));
                }
                break;
            case AzureCredentials::Kind::bearer:
                require_private();
                to_send.headers.emplace_back(
                    "authorization", fmt::format("Bearer {}", as_text(credentials.secret.bytes())));
                break;
        }
        HttpRequest request;
        request.method = call.method;
        request.headers = std::move(to_send.headers);
        request.url = url_of(to_send.path, query);
        request.body = call.body;
        return http_.send(request, stop);
    }

    [[nodiscard]] std::string url_of(const std::string& path, const std::string& query) const {
        return fmt::format("{}://{}{}{}{}", place_.scheme, place_.host, path,
                           query.empty() ? "" : "?", query);
    }

    /// A key never leaves this machine; these would.
    void require_private() const {
        if (!place_.is_private()) {
            throw bad_store_url(
                "shared access signatures and tokens are sent by https alone, and the endpoint is "
                "another",
                "Write endpoint=https://…, or use the account's key.");
        }
    }

    std::optional<Bytes> fetch(const Call& call, const ObjectName& name,
                               const std::stop_token& stop) {
        BlobAnswer response = send(call, stop);
        if (std::optional<Bytes> content = taken_content(response)) {
            return content;
        }
        if (is_azure_absence(response)) {
            return std::nullopt;
        }
        throw refused(response, fmt::format("read {}", name.text()), "r (read)");
    }

    /// Whoever may only create is told that, and not that the name is taken; and a blob may be
    /// locked.
    bool would_overwrite(const HttpResponse& response, const ObjectName& name,
                         const std::stop_token& stop) {
        const AzureRefusal refusal = read_azure_refusal(response);
        if (refusal.code != "UnauthorizedBlobOverwrite" &&
            refusal.code != "AuthorizationPermissionMismatch" && !is_about_azure_lock(refusal)) {
            return false;
        }
        return send({"HEAD", name.text()}, stop).status == http_status::ok;
    }

    void tell(const ListedBlob& blob, const std::function<void(const ObjectInfo&)>& visit) const {
        if (const auto name = name_of_key(blob.name, place_.prefix)) {
            visit({*name, blob.size_bytes, blob.modified_at});
        }
    }

    [[nodiscard]] std::chrono::sys_seconds now() const {
        return std::chrono::floor<std::chrono::seconds>(clock_.now());
    }

    [[nodiscard]] StorageError refused(const BlobAnswer& response, std::string doing,
                                       std::string permission) const {
        return azure_error(response, place_,
                           {std::move(doing), std::move(permission), now(), response.expires_at});
    }

    const Clock& clock_;
    ObjectRules rules_;
    AzurePlace place_;
    HttpClient local_http_;
    HttpClient remote_http_;
    AzureCredentialChain credentials_;
    HttpClient http_;
    AzureProtection protection_;
};

}  // namespace

std::unique_ptr<Storage> make_azure_storage(const StorageUrl& url, const ReadVariable& variable,
                                            const Clock& clock, ObjectRules rules) {
    return std::make_unique<AzureStorage>(url, variable, clock, std::move(rules));
}

}  // namespace dbbackup
