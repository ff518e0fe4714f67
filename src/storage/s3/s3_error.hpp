#pragma once

/// @file
/// What an S3 server says when it refuses, as an error that tells the user what to do. Pure.
///
/// Source: Amazon S3 API reference, "Error responses"; what other servers answer instead was tried.

#include "base/error.hpp"
#include "http/http_message.hpp"
#include "storage/cloud/refusal.hpp"
#include "storage/s3/s3_place.hpp"

#include <string>

namespace dbbackup {

struct S3Refusal : Refusal {
    std::string region;  ///< Where the bucket is, when the server says so.
};

[[nodiscard]] S3Refusal read_refusal(const HttpResponse& response);

/// Stores answer a put with the object's tag; whoever else answers has stored nothing.
/// @pre Its status is 200. @throws StorageError without a tag.
void check_s3_put(const HttpResponse& response, const std::string& doing);

/// Whether the keys have ended, so that new ones may help.
[[nodiscard]] bool is_expired(const S3Refusal& refusal);

/// Whether it is a lock that keeps the object as it is, by the server's words.
[[nodiscard]] bool is_about_lock(const S3Refusal& refusal);

/// @param doing Such as "store packs/ab". @param permission What it takes, such as "s3:PutObject".
[[nodiscard]] StorageError s3_error(const HttpResponse& response, const S3Place& place,
                                    const std::string& doing, const std::string& permission);

}  // namespace dbbackup
