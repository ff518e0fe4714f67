#pragma once

/// @file
/// Lets tests kill the real program at a storage operation of their choice, and count operations.
///
/// It lives in production code, and not in a test build, because the tests must kill the program
/// that users get: with its threads, destructors, signal handlers and command line. It is inert
/// unless one of these variables is set, and can then do no more than end the program:
///
/// - DB_BACKUP_TEST_CRASH_BEFORE=N   _exit(137) right before the Nth storage operation
/// - DB_BACKUP_TEST_CRASH_AFTER=N    _exit(137) right after it
/// - DB_BACKUP_TEST_FAIL_AFTER=N     every operation after the Nth throws `StorageError`
/// - DB_BACKUP_TEST_COUNT_FILE=path  at the end, one line for each operation is appended there:
///                                   its number, its name and the object's, "3 put config"
///
/// Operations are numbered from 1 over all wrapped stores of the process together. 137 is the
/// status that a shell shows for SIGKILL.

#include "storage/storage.hpp"

#include <memory>

namespace dbbackup {

/// Returns `storage` itself when none of the variables is set.
/// @throws ConfigError when a variable holds no number from 0 to 1000000.
[[nodiscard]] std::unique_ptr<Storage> wrap_for_tests(std::unique_ptr<Storage> storage);

}  // namespace dbbackup
