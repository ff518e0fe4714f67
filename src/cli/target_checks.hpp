#pragma once

/// @file
/// Files that a command must not write to, whatever it writes.

#include <string>

namespace dbbackup {

/// A file among the objects of the repository would look like damage, or replace one.
/// @param repository Its URL. @throws ConfigError (code "target_in_repository").
void refuse_target_inside(const std::string& repository, const std::string& target);

/// What the program says would be written over what it makes.
/// @throws ConfigError (code "target_is_output").
void refuse_own_output(const std::string& target);

}  // namespace dbbackup
