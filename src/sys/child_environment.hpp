#pragma once

/// @file
/// What programs that we start see of our environment: everything but our secrets.

#include <string>
#include <vector>

namespace dbbackup {

/// Our environment without the variables of ours that may hold a secret: every DB_BACKUP_* with
/// PASSPHRASE or PASSWORD in its name, and every DB_BACKUP__…__URI. As posix_spawn wants it, with a
/// null pointer at the end. The texts are borrowed from the environment and from `also`.
/// @param also More variables, as "NAME=value"; each takes the place of one of its name.
[[nodiscard]] std::vector<char*> child_environment(const std::vector<std::string>& also = {});

/// Takes variables out of our own environment, and so out of that of every program that we start.
/// For names that only the configuration knows. Call it while no other thread may look at the
/// environment.
void forget_variables(const std::vector<std::string>& names);

}  // namespace dbbackup
