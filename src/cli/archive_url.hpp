#pragma once

/// @file
/// An archive that is an object of a store.

#include "cli/command_context.hpp"
#include "storage/object_name.hpp"
#include "storage/registry.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace dbbackup {

/// What is added to the name of an archive for the file with its checksum.
inline constexpr const char* kChecksumSuffix = ".sha256";

/// "s3://bucket/prefix/shop.sqlite.gz?region=x", taken apart.
struct ArchiveUrl {
    std::string text;           ///< As it was given.
    std::string place;          ///< "s3://bucket/prefix?region=x"
    ObjectName name;            ///< "shop.sqlite.gz"
    std::string checksum_text;  ///< The URL of the checksum.

    /// @throws ConfigError when it names no object that a store of ours can hold.
    static ArchiveUrl parse(const std::string& text);
};

/// What lies in a repository and does not belong to it stops its `prune`, or looks like damage.
/// @throws ConfigError (code "target_in_repository") when the archive would; as
/// `StorageRegistry::open`.
void refuse_repository(const ArchiveUrl& url, const CommandContext& context);
/// The same for a file. @param archive An absolute path.
void refuse_repository(const std::filesystem::path& archive);

/// Opens the place of it. @throws StorageError when there is none; as `StorageRegistry::open`.
[[nodiscard]] std::unique_ptr<Storage> open_place(const ArchiveUrl& url, CreatePlace create,
                                                  const CommandContext& context);

}  // namespace dbbackup
