#pragma once

/// @file
/// What the process needs before anything else happens in it.

namespace dbbackup {

/// No core dumps and no debuggers of other processes (they would show keys), private files, a write
/// to a closed pipe as an error and not as a signal, the user's character set, and three standard
/// streams, so that no repository file is ever opened as descriptor 1. Call it first in `main`.
///
/// DB_BACKUP_TEST_ALLOW_CORE keeps core dumps, for debugging.
void set_up_process();

}  // namespace dbbackup
