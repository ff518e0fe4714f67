#pragma once

/// @file
/// Multipart uploads that nobody will complete. Their parts are stored and paid for, and no listing
/// of objects shows them.
///
/// Source: Amazon S3 API reference, ListMultipartUploads, ListParts, AbortMultipartUpload.

#include "storage/s3/s3_call.hpp"

#include <chrono>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Aborts the uploads of our objects that began, and got their newest part, at least `silence` ago,
/// by the clock of the store.
/// @param prefix Of the repository: empty or ending in '/'.
/// @throws StorageError. @throws Cancelled.
void end_abandoned_s3_uploads(const S3Bucket& bucket, const std::string& prefix,
                              std::chrono::seconds silence, const std::stop_token& stop);

}  // namespace dbbackup
