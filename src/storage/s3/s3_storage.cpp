#include "storage/s3/s3_storage.hpp"

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/operation.hpp"
#include "storage/s3/s3_abandoned.hpp"
#include "storage/s3/s3_call.hpp"
#include "storage/s3/s3_error.hpp"
#include "storage/s3/s3_headers.hpp"
#include "storage/s3/s3_listing.hpp"
#include "storage/s3/s3_place.hpp"
#include "storage/s3/s3_upload.hpp"
#include "storage/s3/s3_versions.hpp"
#include "storage/s3/sigv4.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <array>
#include <utility>

namespace dbbackup {
namespace {

class S3Storage final : public Storage {
public:
    S3Storage(const StorageUrl& url, const ReadVariable& variable, const Clock& clock,
              ObjectRules rules)
        : clock_(clock),
          rules_(std::move(rules)),
          metadata_http_(metadata_options()),
          credentials_(variable, clock, metadata_http_),
          place_(s3_place(url, credentials_.region().value_or("us-east-1"))),
          http_(store_options(place_.ca_file)),
          versions_(
              place_,
              [this](const S3Call& call, const std::stop_token& stop) { return send(call, stop); },
              clock) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        S3Call call{"PUT", key_of(name.text())};
        call.headers = s3_put_headers(place_, rules_, name, now());
        call.headers.emplace_back("if-none-match", "*");
        call.body = content;
        call.is_checked = place_.lock.has_value();
        const HttpResponse response = send(call, stop);
        const std::string doing = fmt::format("store {}", name.text());
        if (response.status == http_status::ok) {
            check_s3_put(response, doing);
            return PutResult::created;
        }
        if (response.status == http_status::precondition_failed) {
            return PutResult::exists;
        }
        throw refused(response, doing,
                      place_.lock ? "s3:PutObject or s3:PutObjectRetention" : "s3:PutObject");
    }

    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override {
        throw_if_stopped(stop);
        S3Call first{"PUT", key_of(name.text())};
        first.headers = s3_put_headers(place_, rules_, name, now());
        first.is_checked = place_.lock.has_value();
        return std::make_unique<S3Upload>(bucket(), name, std::move(first));
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
        S3Call call{"GET", key_of(name.text())};
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
        S3Call call{"GET", ""};
        call.query = {{"list-type", "2"}, {"prefix", listed_prefix(place_.prefix, prefix)}};
        constexpr std::array<S3PageMark, 1> kMarks = {
            {{"continuation-token", "NextContinuationToken"}}};
        const std::string doing = fmt::format("list objects in {}", place_.url);
        for (bool has_more = true; has_more;) {
            const HttpResponse response = send(call, stop);
            if (response.status != http_status::ok) {
                throw refused(response, "list objects", "s3:ListBucket");
            }
            const pugi::xml_document document = s3_page(response, "ListBucketResult", doing);
            const pugi::xml_node result = document.child("ListBucketResult");
            has_more = turn_s3_page(call, 2, result, kMarks, doing);
            for (const pugi::xml_node& found : result.children("Contents")) {
                throw_if_stopped(stop);
                tell(found, visit);
            }
        }
    }

    void remove(const ObjectName& name, std::stop_token stop) override {
        versions_.remove(name, stop);
    }

    [[nodiscard]] std::string url() const override { return place_.url; }
    [[nodiscard]] StorageCapabilities capabilities() const override {
        StorageCapabilities capabilities;
        capabilities.lock = place_.lock ? place_.lock->days : std::chrono::days(0);
        return capabilities;
    }
    [[nodiscard]] ObjectProtection* protection() override { return &versions_; }

private:
    [[nodiscard]] std::string key_of(std::string_view name) const {
        return fmt::format("{}{}", place_.prefix, name);
    }

    [[nodiscard]] S3Bucket bucket() {
        return {
            [this](const S3Call& call, const std::stop_token& stop) { return send(call, stop); },
            [this](const HttpResponse& response, const std::string& doing,
                   const std::string& permission) { return refused(response, doing, permission); }};
    }

    /// Keys that have ended are asked for once more.
    HttpResponse send(const S3Call& call, const std::stop_token& stop) {
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

    HttpResponse send_with(const AwsKeys& keys, const S3Call& call, const std::stop_token& stop) {
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
        const Digest digest = sha256(call.body);
        to_sign.body_sha256 = to_hex(digest);
        if (call.is_checked) {
            to_sign.headers.emplace_back("x-amz-checksum-sha256", to_base64(digest));
            to_sign.headers.emplace_back("x-amz-sdk-checksum-algorithm", "SHA256");
        }
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

    std::optional<Bytes> fetch(const S3Call& call, const ObjectName& name,
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
    ObjectRules rules_;
    HttpClient metadata_http_;
    AwsCredentialChain credentials_;
    S3Place place_;
    HttpClient http_;
    S3Versions versions_;
};

}  // namespace

std::unique_ptr<Storage> make_s3_storage(const StorageUrl& url, const ReadVariable& variable,
                                         const Clock& clock, ObjectRules rules) {
    return std::make_unique<S3Storage>(url, variable, clock, std::move(rules));
}

}  // namespace dbbackup
