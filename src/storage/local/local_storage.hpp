#pragma once

/// @file
/// A repository in a folder of this machine, also on a network file system: one file per object.
///
/// - An object is written beside under a hidden name, synced, then published by a rename that never
///   replaces; then its folder is synced, and folders made on the way, each up to the root.
/// - Files are 0600 and folders 0700. Hidden names (".tmp") belong to this store, not to listings.
/// - Symbolic links below the root are refused; the root itself may be one.
/// - Names are lower case only, so a case-insensitive file system holds them as well.
/// - `remove` does not sync: after a crash a removed object may be back. The protocol expects that
///   (removed objects stay named on `removed` lists), and the next collection removes it again.
/// - `stop` is looked at between steps of 1 MiB; one fsync or one read of a dead network mount
///   cannot be interrupted.

#include "storage/registry.hpp"

#include <memory>

namespace dbbackup {

/// Opens the folder `url.path`. Returns nothing when it is missing and `create` is `no`.
/// @throws ConfigError when the URL has parameters: this store knows none.
/// @throws StorageError when the path is not a folder, or may not be read or made.
[[nodiscard]] std::unique_ptr<Storage> make_local_storage(const StorageUrl& url,
                                                          CreatePlace create);

}  // namespace dbbackup
