#pragma once

/// @file
/// Makes files that only their owner may read: keys, passphrases, configurations.

#include "base/bytes.hpp"

#include <filesystem>

namespace dbbackup {

/// Makes a file, 0600: beside, synced, then renamed, so that no part of it ever has that name, and
/// nothing is left when that fails. @throws FileError, with EEXIST when there is one already.
void write_new_file(const std::filesystem::path& path, BytesView content);

}  // namespace dbbackup
