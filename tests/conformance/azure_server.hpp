#pragma once

/// @file
/// Azurite, alone or behind its front, as its administrator: containers, and requests that no store
/// of ours would send.

#include "base/clock.hpp"
#include "conformance/cloud_store.hpp"
#include "crypto/base64.hpp"
#include "http/http_client.hpp"
#include "storage/azure/azure_storage.hpp"
#include "storage/azure/shared_key.hpp"
#include "storage/cloud/http_date.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

/// A request of the administrator.
struct AzureAsking {
    std::string method;
    std::string path;  ///< "container/blob".
    std::vector<std::pair<std::string, std::string>> query = {};
    HttpHeaders headers = {};
};

class AzureServer {
public:
    explicit AzureServer(const std::string& name) : server_(name) {
        variables_ = {{"AZURE_STORAGE_KEY", server_.key()},
                      {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1"}};
    }

    void set(const std::string& name, const std::string& value) { variables_[name] = value; }

    [[nodiscard]] std::string url(const std::string& path, const std::string& more = {}) const {
        return fmt::format("az://{}?endpoint={}/{}{}", path, server_.endpoint(), server_.account(),
                           more);
    }

    /// Borrows this.
    std::unique_ptr<Storage> open(const std::string& url, ObjectRules rules = {}) const {
        return make_azure_storage(StorageUrl::parse(url), reader_of(variables_), clock_,
                                  std::move(rules));
    }

    /// Makes a container unless it is there.
    void make_container(const std::string& container) const {
        const int status = ask({"PUT", container, {{"restype", "container"}}});
        constexpr int kCreated = 201;
        if (status != kCreated && status != http_status::conflict) {
            throw StorageError(fmt::format("no container {}: {}", container, status));
        }
    }

    /// Makes one that keeps things, unless it is there; only the front can. @param keeps
    /// "versions=yes&locks=yes&deleted=yes".
    void make_kept_container(const std::string& container, const std::string& keeps) const {
        HttpRequest request;
        request.method = "PUT";
        request.url = fmt::format("{}/keep/{}?{}", server_.endpoint(), container, keeps);
        HttpClient client{HttpOptions{}};
        static_cast<void>(client.send(request, {}));
    }

    /// @return The status.
    int ask(const AzureAsking& asking) const {
        BlobRequest to_sign;
        to_sign.method = asking.method;
        to_sign.account = server_.account();
        to_sign.path = fmt::format("/{}/{}", server_.account(), asking.path);
        to_sign.query = asking.query;
        to_sign.headers = asking.headers;
        const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
        to_sign.headers.emplace_back("x-ms-date", http_date(now));
        to_sign.headers.emplace_back("x-ms-version", "2021-12-02");
        HttpRequest request;
        request.method = asking.method;
        request.url = server_.endpoint() + to_sign.path;
        for (const auto& [name, value] : asking.query) {
            request.url +=
                fmt::format("{}{}={}", request.url.find('?') == std::string::npos ? "?" : "&", name,
                            percent_encoded(value));
        }
        request.headers = to_sign.headers;
        request.headers.emplace_back("authorization",
                                     shared_key(to_sign, from_base64(server_.key()).value()));
        HttpClient client{HttpOptions{}};
        return client.send(request, {}).status;
    }

private:
    TestServer server_;
    TestVariables variables_;
    SystemClock clock_;
};

}  // namespace dbbackup
