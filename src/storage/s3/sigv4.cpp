#include "storage/s3/sigv4.hpp"

#include "crypto/hash.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dbbackup {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

Digest hmac(BytesView key, std::string_view text) { return KeyedHash(key)(as_bytes(text)); }

std::string hex_hash(std::string_view text) { return to_hex(sha256(as_bytes(text))); }

Digest signing_key(const AwsKeys& keys, std::string_view date, const SigningScope& scope) {
    constexpr std::string_view kPrefix = "AWS4";
    Bytes first(kPrefix.begin(), kPrefix.end());
    const BytesView secret = keys.secret_access_key.bytes();
    first.reserve(first.size() + secret.size());
    first.insert(first.end(), secret.begin(), secret.end());
    const Secret start(std::move(first));
    Digest key = hmac(start.bytes(), date);
    for (const std::string_view part :
         {std::string_view(scope.region), std::string_view(scope.service),
          std::string_view("aws4_request")}) {
        key = hmac(key, part);
    }
    return key;
}

/// Signed: "name:value" lines. Values have no spaces of ours at their ends.
struct SignedHeaders {
    std::string lines;
    std::string names;
};

SignedHeaders signed_headers(HttpHeaders headers) {
    std::sort(headers.begin(), headers.end());
    SignedHeaders result;
    for (const auto& [name, value] : headers) {
        result.lines += fmt::format("{}:{}\n", name, value);
        result.names += (result.names.empty() ? "" : ";") + name;
    }
    return result;
}

}  // namespace

std::string canonical_query(std::vector<std::pair<std::string, std::string>> query) {
    for (auto& [name, value] : query) {
        name = percent_encoded(name);
        value = percent_encoded(value);
    }
    std::sort(query.begin(), query.end());
    std::string text;
    for (const auto& [name, value] : query) {
        text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
    }
    return text;
}

HttpHeaders sign(const UnsignedRequest& request, const AwsKeys& keys, const SigningScope& scope,
                 std::chrono::sys_seconds now) {
    const std::string time = fmt::format("{:%Y%m%dT%H%M%SZ}", now);
    const std::string date = time.substr(0, time.find('T'));
    HttpHeaders headers = request.headers;
    headers.emplace_back("x-amz-content-sha256", request.body_sha256);
    headers.emplace_back("x-amz-date", time);
    if (!keys.session_token.empty()) {
        headers.emplace_back("x-amz-security-token", as_text(keys.session_token.bytes()));
    }
    HttpHeaders all = headers;
    all.emplace_back("host", request.host);
    const SignedHeaders to_sign = signed_headers(std::move(all));
    const std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method,
                                              request.path, canonical_query(request.query),
                                              to_sign.lines, to_sign.names, request.body_sha256);
    const std::string where =
        fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
    const std::string to_be_signed =
        fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, where, hex_hash(canonical));
    const Digest signature = hmac(signing_key(keys, date, scope), to_be_signed);
    headers.emplace_back(
        "authorization",
        fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                    keys.access_key_id, where, to_sign.names, to_hex(signature)));
    return headers;
}

}  // namespace dbbackup
