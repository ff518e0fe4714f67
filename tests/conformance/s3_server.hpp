#pragma once

/// @file
/// A server that speaks S3, as its administrator: buckets of every kind, and requests that no store
/// of ours would send.

#include "base/clock.hpp"
#include "conformance/bucket_kind.hpp"
#include "conformance/cloud_store.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "storage/s3/s3_call.hpp"
#include "storage/s3/s3_storage.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace dbbackup {

class S3Server {
public:
    explicit S3Server(const std::string& name) : server_(name) {
        variables_ = {{"AWS_ACCESS_KEY_ID", server_.key()},
                      {"AWS_SECRET_ACCESS_KEY", server_.secret()},
                      {"AWS_EC2_METADATA_DISABLED", "true"}};
    }

    void set(const std::string& name, const std::string& value) { variables_[name] = value; }

    [[nodiscard]] std::string url(const std::string& path, const std::string& more = {}) const {
        return fmt::format("s3://{}?endpoint={}&region=us-east-1{}", path, server_.endpoint(),
                           more);
    }

    /// Borrows this.
    std::unique_ptr<Storage> open(const std::string& url, ObjectRules rules = {}) const {
        return make_s3_storage(StorageUrl::parse(url), reader_of(variables_), clock_,
                               std::move(rules));
    }

    /// Makes a bucket unless it is there.
    void make_bucket(const std::string& bucket, BucketKind kind = BucketKind::plain) const {
        S3Call call{"PUT", bucket};
        if (kind == BucketKind::lockable) {
            call.headers = {{"x-amz-bucket-object-lock-enabled", "true"}};
        }
        check(call, send(call));
        if (kind == BucketKind::versioned) {
            const std::string body =
                "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                "<Status>Enabled</Status></VersioningConfiguration>";
            S3Call versioning{"PUT", bucket};
            versioning.query = {{"versioning", ""}};
            versioning.body = as_bytes(body);
            check(versioning, send(versioning));
        }
    }

    /// @param call Its key begins with the bucket. @return The status.
    int send(const S3Call& call) const {
        HttpClient client{HttpOptions{}};
        UnsignedRequest to_sign;
        to_sign.method = call.method;
        to_sign.host = server_.endpoint().substr(7);  // Without "http://".
        to_sign.path = "/" + percent_encoded(call.key, true);
        to_sign.query = call.query;
        to_sign.headers = call.headers;
        const Digest digest = sha256(call.body);
        to_sign.headers.emplace_back("x-amz-checksum-sha256", to_base64(digest));
        to_sign.body_sha256 = to_hex(digest);
        const AwsKeys keys{server_.key(), Secret(std::string_view(server_.secret())), Secret()};
        const std::string query = canonical_query(call.query);
        HttpRequest request;
        request.method = call.method;
        request.url = fmt::format("{}{}{}{}", server_.endpoint(), to_sign.path,
                                  query.empty() ? "" : "?", query);
        request.headers = sign(to_sign, keys, {"us-east-1", "s3"},
                               std::chrono::floor<std::chrono::seconds>(clock_.now()));
        request.body = call.body;
        return client.send(request, {}).status;
    }

private:
    static void check(const S3Call& call, int status) {
        if (status != http_status::ok && status != http_status::conflict) {
            throw StorageError(fmt::format("no bucket {}: {}", call.key, status));
        }
    }

    TestServer server_;
    TestVariables variables_;
    SystemClock clock_;
};

}  // namespace dbbackup
