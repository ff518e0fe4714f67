#pragma once

/// @file
/// What Google Cloud Storage says when it refuses, as an error that tells the user what to do.
/// Pure.
///
/// Source: Cloud Storage JSON API reference, "HTTP status and error codes for JSON".

#include "base/error.hpp"
#include "http/http_message.hpp"
#include "storage/cloud/refusal.hpp"
#include "storage/gcs/gcs_place.hpp"

#include <string>

namespace dbbackup {

/// The reason and message of an answer; the message alone where the answer is a text.
[[nodiscard]] Refusal read_gcs_refusal(const HttpResponse& response);

/// What is not there when the answer is 404.
enum class GcsAbsence {
    object,
    bucket,
    unknown,  ///< The answer does not say.
};
[[nodiscard]] GcsAbsence what_is_absent(const Refusal& refusal);

/// Whether the object is kept: by its own retention, its bucket's policy or a hold. Those who lack
/// a permission have the same status, and holds even the same reason.
[[nodiscard]] bool is_about_gcs_lock(const Refusal& refusal);

/// Code "object_lock_missing": the bucket locks no object. @param doing As below.
[[nodiscard]] StorageError gcs_lock_missing(const GcsPlace& place, const std::string& doing);

/// A 404 is taken for that of the bucket.
/// @param doing Such as "store packs/ab". @param permission What it takes, such as
/// "storage.objects.create".
[[nodiscard]] StorageError gcs_error(const HttpResponse& response, const GcsPlace& place,
                                     const std::string& doing, const std::string& permission);

}  // namespace dbbackup
