#pragma once

/// @file
/// Example: writes the files of a snapshot into a folder; and what reading and writing share.

#include "base/error.hpp"
#include "connector/connector.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace dbbackup {

/// Runs `action`; what the system refused is an error of the database, exit code 20.
template <class Action>
auto of_source(Action action) {
    try {
        return action();
    } catch (const FileError& error) {
        throw SourceError(error.what());
    } catch (const std::filesystem::filesystem_error& error) {
        throw SourceError(error.what());
    }
}

/// The bytes from `first` up to `end`. @throws SourceError when the file ends before; FileError.
[[nodiscard]] Bytes read_range(const File& file, std::uint64_t first, std::uint64_t end);

/// Writes a folder beside the target, which takes its place when everything is in it.
/// @throws ConfigError when the target must not be written.
[[nodiscard]] std::unique_ptr<RestoreSession> make_csv_restore(const RestoreRequest& request);

}  // namespace dbbackup
