#pragma once

/// @file
/// Part of `backup`: one snapshot for several repositories. The database is read once.

#include "cli/command_context.hpp"
#include "cli/repository_access.hpp"
#include "engine/backup.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// Why a repository does not have the snapshot; as an error says it.
struct TargetFailure {
    std::string code;
    std::string message;
    std::string hint;
};

/// What became of the snapshot in one repository.
struct TargetOutcome {
    std::string repository;  ///< Its URL; as it was named where it could not be opened.
    std::optional<SnapshotId> snapshot;
    bool is_copied = false;
    std::uint64_t bytes_added = 0;
    std::optional<TargetFailure> failure;
};

/// A snapshot, and where it is.
struct Taken {
    BackupReport report;
    std::string url;                     ///< Of the repository that was written.
    std::vector<TargetOutcome> targets;  ///< In the order of their names; empty for a single one.
};

/// Where a backup goes: `--repository`, as often as it is given, and what the configuration says
/// that each of these mirrors to. Each place once.
/// @param of_source The repository of the source, where no other is named.
[[nodiscard]] std::vector<RepositoryChoice> backup_targets(const CommandContext& context,
                                                           const std::string& of_source);

/// Takes the snapshot into the first of `choices` that takes it, and copies it to the others. Each
/// may fail without harm to the others: the report says so.
/// @param take Opens or makes a repository, and backs up into it.
/// @throws what `take` throws of the database; of the first repository when all of them failed;
/// Cancelled.
[[nodiscard]] Taken take_for_all(
    const std::vector<RepositoryChoice>& choices,
    const std::function<BackupReport(const RepositoryChoice& choice,
                                     std::unique_ptr<Repository>& repository)>& take,
    unsigned jobs, CommandContext& context);

}  // namespace dbbackup
