#pragma once

/// @file
/// Signs requests with the key of a storage account. Pure.
///
/// Source: Azure Storage REST API reference, "Authorize with Shared Key", "Blob, Queue, and File
/// services (Shared Key authorization)".

#include "base/bytes.hpp"
#include "http/http_message.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

/// A request before it is signed.
struct BlobRequest {
    std::string method;
    std::string account;
    std::string path;  ///< As it is sent, from '/' on; with the account where the endpoint has it.
    /// Decoded; in any order.
    std::vector<std::pair<std::string, std::string>> query;
    /// Names in lower case, "x-ms-date" and "x-ms-version" among them.
    HttpHeaders headers;
    std::size_t body_bytes = 0;
};

/// What the signature is of.
[[nodiscard]] std::string string_to_sign(const BlobRequest& request);

/// What "authorization" of the request must hold. @param key Of the account, decoded.
[[nodiscard]] std::string shared_key(const BlobRequest& request, BytesView key);

}  // namespace dbbackup
