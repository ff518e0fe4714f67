#pragma once

/// @file
/// Objects in a container of Azure Blob Storage.
///
/// Source: Azure Storage REST API reference, "Blob Storage REST API". Each object is one Put Blob
/// with `If-None-Match: *`, so nothing is ever half there or overwritten, whoever else writes
/// ("Specifying conditional headers for Blob service operations").

#include "base/clock.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/object_rules.hpp"
#include "storage/registry.hpp"

#include <memory>

namespace dbbackup {

/// Opens `az://container/prefix?account=…&endpoint=…&ca_file=…` and how blobs are kept. Sends
/// nothing yet: a missing container shows at the first call.
/// @param variable Where Azure's own variables are read.
/// @param clock Borrowed for the life of the storage.
/// @param rules What is locked and what is kept in another tier, where the URL asks for it.
/// @throws ConfigError (codes "bad_repository_url", "credentials_unusable").
[[nodiscard]] std::unique_ptr<Storage> make_azure_storage(const StorageUrl& url,
                                                          const ReadVariable& variable,
                                                          const Clock& clock,
                                                          ObjectRules rules = {});

}  // namespace dbbackup
