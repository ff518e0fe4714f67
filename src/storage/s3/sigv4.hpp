#pragma once

/// @file
/// Signs requests as AWS and all that speak S3 want it. Pure: the time is a parameter.
///
/// Source: AWS, "Signature Version 4 signing process", "Authenticating Requests: Using the
/// Authorization Header (AWS Signature Version 4)" in the S3 API reference.

#include "base/secret.hpp"
#include "http/http_message.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

/// What a request is signed with.
struct AwsKeys {
    std::string access_key_id;
    Secret secret_access_key;
    /// Of temporary keys; empty otherwise.
    Secret session_token;
};

/// Where a signature counts.
struct SigningScope {
    std::string region;
    std::string service;  ///< "s3", "sts".
};

/// A request before it is signed.
struct UnsignedRequest {
    std::string method;
    std::string host;  ///< With the port unless it is the scheme's.
    std::string path;  ///< Percent-encoded once, from '/' on.
    /// Decoded; in any order.
    std::vector<std::pair<std::string, std::string>> query;
    /// Names in lower case. "host" and those that signing adds must not be among them.
    HttpHeaders headers;
    /// Lower-case hexadecimal SHA-256 of the body.
    std::string body_sha256;
};

/// The query as it is signed and sent: sorted and percent-encoded, without '?'.
[[nodiscard]] std::string canonical_query(std::vector<std::pair<std::string, std::string>> query);

/// Everything that `headers` of the request must hold, "authorization" among them; "host" is
/// signed, and left to the client that sends it.
/// @param now Of this machine: stores accept it within 15 minutes of theirs.
[[nodiscard]] HttpHeaders sign(const UnsignedRequest& request, const AwsKeys& keys,
                               const SigningScope& scope, std::chrono::sys_seconds now);

}  // namespace dbbackup
