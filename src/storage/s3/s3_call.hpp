#pragma once

/// @file
/// Requests to one bucket, as all that speaks to it makes them.

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "http/http_message.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

/// One request before it is signed.
struct S3Call {
    std::string method;
    std::string key;  ///< Empty: the bucket itself.
    std::vector<std::pair<std::string, std::string>> query = {};
    HttpHeaders headers = {};
    BytesView body = {};
    /// The body's checksum is sent as a header of its own, as locks want it.
    bool is_checked = false;
    std::chrono::seconds time_max{0};  ///< As in `HttpRequest`.
};

/// Signs and sends it. @throws StorageError when nobody answers.
using SendS3Call = std::function<HttpResponse(const S3Call& call, const std::stop_token& stop)>;

/// What an upload needs of its bucket, which outlives it.
struct S3Bucket {
    SendS3Call send;
    /// @param doing and permission As `s3_error` takes them.
    std::function<StorageError(const HttpResponse&, const std::string& doing,
                               const std::string& permission)>
        refused;
};

}  // namespace dbbackup
