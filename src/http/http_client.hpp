#pragma once

/// @file
/// Sends HTTP requests, over connections that stay open for the next one.

#include "base/error.hpp"
#include "http/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

namespace dbbackup {

/// No answer came: no connection, a broken one, none in time, or a certificate that nobody vouches
/// for. What was asked for may have been done all the same.
using HttpError = StorageError;

/// How a client behaves to all its servers.
struct HttpOptions {
    /// Certificates that are trusted in the place of the system's; empty: those.
    std::filesystem::path ca_file;
    std::chrono::seconds connect_timeout{10};
    /// A transfer that moves next to nothing for so long has broken. DB_BACKUP_TEST_STALL_S makes
    /// it shorter for tests in which answers never come.
    std::chrono::seconds stall_timeout{60};
    /// An answer with a longer body is refused.
    std::size_t body_bytes_max = std::size_t{1} << 30U;
};

/// Thread-safe: each request takes a connection that nobody uses, or makes one. Redirects are not
/// followed: a signed request is for one host alone. Proxies are used as curl's own variables say
/// (`https_proxy`, `no_proxy`).
///
/// Source: libcurl's manual, curl_easy_setopt(3) and libcurl-thread(3).
class HttpClient {
public:
    explicit HttpClient(HttpOptions options);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Any status is an answer. A PUT or POST is sent at most once. @throws HttpError with
    /// Retry::may_help when trying again may work, and code "certificate_untrusted" for that;
    /// Cancelled within a second of `stop` firing.
    [[nodiscard]] HttpResponse send(const HttpRequest& request, std::stop_token stop);

private:
    class Pool;
    HttpOptions options_;
    std::unique_ptr<Pool> pool_;
};

}  // namespace dbbackup
