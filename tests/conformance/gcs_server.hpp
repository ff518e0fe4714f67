#pragma once

/// @file
/// fake-gcs-server behind its front, as its administrator: buckets of every kind, and requests that
/// no store of ours would send.

#include "base/clock.hpp"
#include "conformance/cloud_store.hpp"
#include "http/http_client.hpp"
#include "storage/gcs/gcs_storage.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace dbbackup {

class GcsServer {
public:
    GcsServer() {
        variables_ = {{"GOOGLE_APPLICATION_CREDENTIALS", server_.file("credentials.json").string()},
                      {"NO_GCE_CHECK", "true"}};
    }

    [[nodiscard]] std::string url(const std::string& path, const std::string& more = {}) const {
        return fmt::format("gs://{}?endpoint={}{}", path, server_.endpoint(), more);
    }

    /// Borrows this.
    std::unique_ptr<Storage> open(const std::string& url, ObjectRules rules = {}) const {
        return make_gcs_storage(StorageUrl::parse(url), reader_of(variables_), clock_,
                                std::move(rules));
    }

    /// What an administrator may ask; the answer's status.
    int ask(const std::string& method, const std::string& path, const std::string& type,
            BytesView body) const {
        HttpClient client{HttpOptions{}};
        HttpRequest request;
        request.method = method;
        request.url = server_.endpoint() + path;
        request.headers = {{"authorization", "Bearer " + server_.secret()}, {"content-type", type}};
        request.body = body;
        return client.send(request, {}).status;
    }

    /// Makes a bucket unless it is there. @param more Of its resource, from ',' on. @param query Of
    /// the request, from '&' on.
    void make_bucket(const std::string& bucket, const std::string& more = {},
                     const std::string& query = {}) const {
        const std::string body = fmt::format(R"({{"name": "{}"{}}})", bucket, more);
        const int status =
            ask("POST", "/storage/v1/b?project=tests" + query, "application/json", as_bytes(body));
        if (status != http_status::ok && status != http_status::conflict) {
            throw StorageError(fmt::format("no bucket {}: {}", bucket, status));
        }
    }

private:
    TestServer server_{"gcs"};
    TestVariables variables_;
    SystemClock clock_;
};

}  // namespace dbbackup
