#pragma once

/// @file
/// `features/<name>`: what a program must understand to work with a repository. Who does not, stops
/// with a clear message instead of taking for damage what it does not know.

#include "base/error.hpp"
#include "compress/compressor.hpp"
#include "storage/storage.hpp"

#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// What `features/` holds.
struct Features {
    std::vector<std::string> unknown_for_writing;
    std::set<std::string> known;  ///< To this program.
};

/// Refuses what this program must understand to read here and does not (docs/format.md). A damaged
/// or unknown statement of what a feature is needed for means all.
/// @throws RepositoryError (code "unknown_feature"), CorruptionError.
[[nodiscard]] Features check_features(Storage& storage, std::stop_token stop);

/// The same for collecting. @throws RepositoryError (code "unknown_feature"), CorruptionError.
void check_features_for_collecting(Storage& storage, std::stop_token stop);

/// Whether an object below `features/` says what it is needed for. @throws CorruptionError.
void check_feature_statement(const ObjectName& name, BytesView content);

/// The error for a feature that this program does not know.
[[nodiscard]] RepositoryError unknown_feature(const std::string& name, std::string_view needed_for);

/// Which features are known to be in `features/`. Thread-safe.
class AnnouncedFeatures {
public:
    explicit AnnouncedFeatures(std::set<std::string> names) : names_(std::move(names)) {}

    /// Announces what a program must know to read a chunk of this codec, unless that is done. To be
    /// called before such a chunk is stored. @throws StorageError, Cancelled.
    void announce(Codec codec, Storage& storage, std::stop_token stop);

private:
    std::mutex mutex_;  ///< Held while storing: nobody stores a chunk before it is announced.
    std::set<std::string> names_;
};

}  // namespace dbbackup
