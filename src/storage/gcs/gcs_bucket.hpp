#pragma once

/// @file
/// What an upload needs of the bucket that it goes to.

#include "base/error.hpp"
#include "http/http_message.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Its functions are called on the upload's thread.
struct GcsBucket {
    std::string server;         ///< "https://storage.googleapis.com".
    std::string path;           ///< "/storage/v1/b/BUCKET".
    std::string object_prefix;  ///< Of names: empty or ending in '/'.
    std::function<HttpResponse(const HttpRequest&, const std::stop_token&)> send;
    /// @param doing and permission As `gcs_error` takes them.
    std::function<StorageError(const HttpResponse&, const std::string& doing,
                               const std::string& permission)>
        refused;
    std::string kms_key = {};        ///< Empty: the bucket's.
    std::string storage_class = {};  ///< Empty: the bucket's.
};

}  // namespace dbbackup
