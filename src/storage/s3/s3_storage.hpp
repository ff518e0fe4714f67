#pragma once

/// @file
/// Objects in a bucket of S3, or of whatever speaks its protocol.
///
/// Source: Amazon S3 API reference. Each object is one put with `If-None-Match: *`, so nothing is
/// ever half there or overwritten, whoever else writes ("Conditional writes").

#include "base/clock.hpp"
#include "storage/object_rules.hpp"
#include "storage/registry.hpp"
#include "storage/s3/aws_credentials.hpp"

#include <memory>

namespace dbbackup {

/// Opens `s3://bucket/prefix?endpoint=…&region=…&path_style=true&ca_file=…`. Sends nothing yet: a
/// missing bucket shows at the first call.
/// @param variable Where AWS's own variables are read.
/// @param clock Borrowed for the life of the storage.
/// @param rules What is locked and kept in another class, where the URL asks for these.
/// @throws ConfigError (code "bad_repository_url").
[[nodiscard]] std::unique_ptr<Storage> make_s3_storage(const StorageUrl& url,
                                                       const ReadVariable& variable,
                                                       const Clock& clock, ObjectRules rules = {});

}  // namespace dbbackup
