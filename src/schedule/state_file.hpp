#pragma once

/// @file
/// The SQLite file of the state folder that outlives every process: what the scheduler remembers,
/// and what is still to be told to somebody.

#include "sys/own_database.hpp"

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string_view>

namespace dbbackup {

/// Opens the file, or makes it with its folder. What is committed is durable.
/// @throws OwnDatabaseError; ConfigError where the folder cannot be made (both "state_unusable").
[[nodiscard]] std::unique_ptr<OwnDatabase> open_state_file(const std::filesystem::path& file,
                                                           std::stop_token stop);

/// @throws ConfigError (code "state_unusable").
void make_state_folder(const std::filesystem::path& folder);

/// One that goes with the object: for tests.
[[nodiscard]] std::unique_ptr<OwnDatabase> state_in_memory();

/// Whether the tables of one part of the program have to be made; call it in the transaction that
/// makes them. @throws RepositoryError (code "newer_version") when a later program made them.
[[nodiscard]] bool needs_tables(OwnDatabase& database, std::string_view part, int version);

}  // namespace dbbackup
