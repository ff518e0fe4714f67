#pragma once

/// @file
/// What everything that speaks to a bucket needs of it.

#include "base/error.hpp"
#include "http/http_message.hpp"
#include "storage/object_name.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Its functions are called on the thread of whoever has it.
struct GcsBucket {
    std::string server;         ///< "https://storage.googleapis.com".
    std::string path;           ///< "/storage/v1/b/BUCKET".
    std::string object_prefix;  ///< Of names: empty or ending in '/'.
    std::function<HttpResponse(const HttpRequest&, const std::stop_token&)> send;
    /// As `send`, with a token that is good for changing what is known of objects.
    std::function<HttpResponse(const HttpRequest&, const std::stop_token&)> change;
    /// @param doing and permission As `gcs_error` takes them.
    std::function<StorageError(const HttpResponse&, const std::string& doing,
                               const std::string& permission)>
        refused;
    /// For a server that stores an object and not its retention. @param doing As above.
    std::function<StorageError(const std::string& doing)> lock_missing;
    std::string kms_key = {};  ///< Empty: the bucket's.

    /// Of one object. @param query What follows, from '?' on.
    [[nodiscard]] std::string url_of(const ObjectName& name, const std::string& query = {}) const {
        return server + path + "/o/" + percent_encoded(object_prefix + name.text()) + query;
    }
};

}  // namespace dbbackup
