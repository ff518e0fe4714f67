#pragma once

/// @file
/// The variables without a section (DB_BACKUP_REPOSITORY, DB_BACKUP_PASSPHRASE …): what a command
/// line without a configured repository uses.

#include "config/settings.hpp"

#include <vector>

namespace dbbackup {

/// The variables of the two layers that can hold them.
struct VariableLayers {
    const std::vector<VariableText>& dotenv;
    const std::vector<VariableText>& environment;  ///< Wins over `dotenv`.
};

/// Fills the defaults, their rows of `config show`, and a warning for each variable that looks like
/// a misspelt one. Adds a problem for a passphrase that is given in more than one way and for
/// places of secrets that are empty.
/// @param variables All variables together, for "~/". @param loaded Its repositories are known.
void read_plain_variables(const VariableLayers& layers, const Environment& variables,
                          LoadedConfig& loaded, Problems& problems);

}  // namespace dbbackup
