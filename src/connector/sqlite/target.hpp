#pragma once

/// @file
/// Where a restore goes: looked at before anything is written, refused where writing could destroy
/// something that nobody asked to replace.

#include "base/error.hpp"
#include "connector/connector.hpp"
#include "sys/file_error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace dbbackup::sqlite {

enum class TargetKind : std::uint8_t {
    new_file,    ///< Nothing is there.
    empty_file,  ///< A file of no bytes, such as mktemp makes: an empty database to SQLite, which
                 ///< programs may have open.
    database,    ///< A SQLite database, to be written over through SQLite.
};

struct Target {
    std::filesystem::path path;  ///< Absolute; its folder is real.
    std::filesystem::path folder;
    TargetKind kind = TargetKind::new_file;
    std::uint64_t size_bytes = 0;  ///< Of what is there.
    std::uint64_t bytes_free = 0;  ///< In its folder.
    bool is_source = false;        ///< It is the database that the snapshot was taken of.
};

/// @throws ConfigError with code target_not_empty, target_is_source, target_not_a_database,
/// target_not_writable, target_missing_folder, target_is_folder, target_is_companion
/// or target_has_journal.
[[nodiscard]] Target examine_target(const RestoreRequest& request);

/// @throws ConfigError (target_not_writable) unless files can be made in `folder`.
void check_folder_writable(const std::filesystem::path& folder);

/// The free bytes of its file system. @throws ConfigError (target_not_writable).
[[nodiscard]] std::uint64_t free_in(const std::filesystem::path& folder);

/// What is there, in words: "new", "empty", "database of 4096 bytes, the source itself".
[[nodiscard]] std::string state_of(const Target& target);

/// A journal or log that outlived its database would be played into the new one when that is
/// opened. @throws ConfigError (target_has_journal) when there is one.
void refuse_old_journal(const std::filesystem::path& path);

/// @throws SourceError (target_full) when there were fewer than `bytes_needed` free.
void refuse_full(const Target& target, std::uint64_t bytes_needed);

/// What went wrong with writing the target, in the words of this layer: target_full or
/// target_failed.
[[nodiscard]] SourceError target_failed(const FileError& error);

}  // namespace dbbackup::sqlite
