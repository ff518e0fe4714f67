#pragma once

/// @file
/// Where a restore goes: looked at before anything is written, refused where writing could destroy
/// something that nobody asked to replace.

#include "connector/connector.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace dbbackup::sqlite {

enum class TargetKind : std::uint8_t {
    new_file,    ///< Nothing is there.
    empty_file,  ///< A file of no bytes, such as mktemp makes; it is replaced.
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
/// target_not_writable, target_missing_folder, target_is_folder or target_has_journal.
[[nodiscard]] Target examine_target(const RestoreRequest& request);

/// What is there, in words: "new", "empty", "database of 4096 bytes, the source itself".
[[nodiscard]] std::string state_of(const Target& target);

}  // namespace dbbackup::sqlite
