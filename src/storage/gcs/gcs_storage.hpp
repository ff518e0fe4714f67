#pragma once

/// @file
/// Objects in a bucket of Google Cloud Storage.
///
/// Source: Cloud Storage JSON API reference. Each object is one upload with `ifGenerationMatch=0`,
/// so nothing is ever half there or overwritten, whoever else writes ("Request preconditions").

#include "base/clock.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/object_rules.hpp"
#include "storage/registry.hpp"

#include <memory>

namespace dbbackup {

/// Opens `gs://bucket/prefix?endpoint=…&ca_file=…` and how objects are kept. Sends nothing yet: a
/// missing bucket shows at the first call.
/// @param variable Where Google's own variables are read.
/// @param clock Borrowed for the life of the storage.
/// @param rules What is locked and what is kept in another class, where the URL asks for it.
/// @throws ConfigError (code "bad_repository_url").
[[nodiscard]] std::unique_ptr<Storage> make_gcs_storage(const StorageUrl& url,
                                                        const ReadVariable& variable,
                                                        const Clock& clock, ObjectRules rules = {});

}  // namespace dbbackup
