#include "storage/s3/s3_storage.hpp"

#include "crypto/hash.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/operation.hpp"
#include "storage/s3/s3_abandoned.hpp"
#include "storage/s3/s3_call.hpp"
#include "storage/s3/s3_error.hpp"
#include "storage/s3/s3_place.hpp"
#include "storage/s3/s3_upload.hpp"
#include "storage/s3/sigv4.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <utility>

namespace dbbackup {
namespace {

using Call = S3Call;

class S3Storage final : public Storage {
public:
    S3Storage(const StorageUrl& url, const ReadVariable& variable, const Clock& clock)
        : clock_(clock),
          metadata_http_(metadata_options()),
          credentials_(variable, clock, metadata_http_),
          place_(s3_place(url, credentials_.region().value_or("us-east-1"))),
          http_(store_options(place_.ca_file)) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        Call call{"PUT", key_of(name.text())};
        call.headers = {{"if-none-match", "*"}};
        call.body = content;
        const HttpResponse response = send(call, stop);
        if (response.status == http_status::ok) {
            return PutResult::created;
        }
        if (response.status == http_status::precondition_failed) {
            return PutResult::exists;
        }
        throw refused(response, fmt::format("store {}", name.text()), "s3:PutObject");
    }

    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override {
        throw_if_stopped(stop);
        return std::make_unique<S3Upload>(bucket(), name, key_of(name.text()));
    }

    void end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) override {
        end_abandoned_s3_uploads(bucket(), place_.prefix, silence, stop);
    }

    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override {
        return fetch({"GET", key_of(name.text())}, name, stop);
    }

    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override {
        if (range.length_bytes == 0) {
            return size_bytes(name, stop) ? std::optional(Bytes()) : std::nullopt;
        }
        Call call{"GET", key_of(name.text())};
        call.headers = {{"range", range_value(range)}};
        return fetch(call, name, stop);
    }

    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override {
        const HttpResponse response = send({"HEAD", key_of(name.text())}, stop);
        if (response.status == http_status::not_found) {
            return std::nullopt;
        }
        const std::string length = response.header("content-length").value_or("");
        if (response.status != http_status::ok || length.empty()) {
            throw refused(response, fmt::format("look at {}", name.text()), "s3:GetObject");
        }
        return std::stoull(length);
    }

    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override {
        Call call{"GET", ""};
        call.query = {{"list-type", "2"}, {"prefix", listed_prefix(place_.prefix, prefix)}};
        for (bool is_last = false; !is_last;) {
            const HttpResponse response = send(call, stop);
            pugi::xml_document document;
            if (response.status != http_status::ok) {
                throw refused(response, "list objects", "s3:ListBucket");
            }
            if (!document.load_buffer(response.body.data(), response.body.size())) {
                throw StorageError(fmt::format("{} answers a listing that is no XML", place_.url),
                                   Retry::may_help);
            }
            const pugi::xml_node result = document.child("ListBucketResult");
            is_last = !result.child("IsTruncated").text().as_bool();
            call.query.resize(2);
            call.query.emplace_back("continuation-token",
                                    result.child("NextContinuationToken").text().as_string());
            for (const pugi::xml_node& found : result.children("Contents")) {
                throw_if_stopped(stop);
                tell(found, visit);
            }
        }
    }

    void remove(const ObjectName& name, std::stop_token stop) override {
        const HttpResponse response = send({"DELETE", key_of(name.text())}, stop);
        const bool is_gone = response.status == http_status::not_found &&
                             read_refusal(response).code != "NoSuchBucket";
        if (response.status != http_status::ok && response.status != http_status::no_content &&
            !is_gone) {
            throw refused(response, fmt::format("remove {}", name.text()), "s3:DeleteObject");
        }
    }

    [[nodiscard]] std::string url() const override { return place_.url; }
    [[nodiscard]] StorageCapabilities capabilities() const override { return {}; }

private:
    [[nodiscard]] std::string key_of(std::string_view name) const {
        return fmt::format("{}{}", place_.prefix, name);
    }

    [[nodiscard]] S3Bucket bucket() {
        return {
            [this](const Call& call, const std::stop_token& stop) { return send(call, stop); },
            [this](const HttpResponse& response, const std::string& doing,
                   const std::string& permission) { return refused(response, doing, permission); }};
    }

    /// Keys that have ended are asked for once more.
    HttpResponse send(const Call& call, const std::stop_token& stop) {
        auto keys = credentials_.keys(stop);
        HttpResponse response = send_with(*keys, call, stop);
        if ((response.status == http_status::bad_request ||
             response.status == http_status::forbidden) &&
            is_expired(read_refusal(response))) {
            credentials_.forget(keys);
            keys = credentials_.keys(stop);
            response = send_with(*keys, call, stop);
        }
        return response;
    }

    HttpResponse send_with(const AwsKeys& keys, const Call& call, const std::stop_token& stop) {
        UnsignedRequest to_sign;
        to_sign.method = call.method;
        to_sign.host = place_.host;
        to_sign.path =
            place_.root + (call.key.empty() ? "" : "/" + percent_encoded(call.key, true));
        if (to_sign.path.empty()) {
            to_sign.path = "/";
        }
        to_sign.query = call.query;
        to_sign.headers = call.headers;
        to_sign.body_sha256 = to_hex(sha256(call.body));
        HttpRequest request;
        request.method = call.method;
        request.headers = sign(to_sign, keys, {place_.region, "s3"}, now());
        const std::string query = canonical_query(call.query);
        request.url = fmt::format("{}://{}{}{}{}", place_.scheme, place_.host, to_sign.path,
                                  query.empty() ? "" : "?", query);
        request.body = call.body;
        request.time_max = call.time_max;
        return http_.send(request, stop);
    }

    std::optional<Bytes> fetch(const Call& call, const ObjectName& name,
                               const std::stop_token& stop) {
        HttpResponse response = send(call, stop);
        if (std::optional<Bytes> content = taken_content(response)) {
            return content;
        }
        const S3Refusal refusal = read_refusal(response);
        if (response.status == http_status::not_found &&
            (refusal.code.empty() || refusal.code == "NoSuchKey")) {
            return std::nullopt;
        }
        throw refused(response, fmt::format("read {}", name.text()), "s3:GetObject");
    }

    void tell(const pugi::xml_node& found,
              const std::function<void(const ObjectInfo&)>& visit) const {
        const auto name = name_of_key(found.child("Key").text().as_string(), place_.prefix);
        if (!name) {
            return;
        }
        visit({*name, found.child("Size").text().as_ullong(),
               parse_second(found.child("LastModified").text().as_string())
                   .value_or(std::chrono::sys_seconds())});
    }

    [[nodiscard]] std::chrono::sys_seconds now() const {
        return std::chrono::floor<std::chrono::seconds>(clock_.now());
    }

    [[nodiscard]] StorageError refused(const HttpResponse& response, const std::string& doing,
                                       const std::string& permission) const {
        return s3_error(response, place_, doing, permission);
    }

    const Clock& clock_;
    HttpClient metadata_http_;
    AwsCredentialChain credentials_;
    S3Place place_;
    HttpClient http_;
};

}  // namespace

std::unique_ptr<Storage> make_s3_storage(const StorageUrl& url, const ReadVariable& variable,
                                         const Clock& clock) {
    return std::make_unique<S3Storage>(url, variable, clock);
}

}  // namespace dbbackup
