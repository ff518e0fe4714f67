#pragma once

/// @file
/// Part of `backup`, `prune`, `stats` and `verify`: what metrics shall tell of them is kept. What
/// goes wrong about that is logged, and changes nothing.

#include "base/error.hpp"
#include "cli/backup_targets.hpp"
#include "cli/command_context.hpp"
#include "cli/repository_access.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace dbbackup {

/// One backup, for whoever reads its metrics.
class NotedBackup {
public:
    /// Everything is borrowed. @param source What it is called; nothing for one that only its
    /// snapshot will name, whose failures belong to nobody. @param config Its own, if it is
    /// configured. @param is_wanted Somebody reads them.
    NotedBackup(const std::optional<std::string>& source, const SourceConfig* config,
                const CommandContext& context, bool is_wanted)
        : source_(source), config_(config), context_(context), is_wanted_(is_wanted) {}

    void ended(const Taken& taken, ExitCode code) const noexcept;
    /// No snapshot came of it.
    void failed() const noexcept;

private:
    /// Keeps what `tell` says of each repository.
    template <class Tell>
    void keep(Tell tell) const noexcept;

    const std::optional<std::string>& source_;
    const SourceConfig* config_;
    const CommandContext& context_;
    bool is_wanted_;
};

/// @param pack_bytes What the packs of the repository take.
void note_repository_size(const RepositoryChoice& choice, std::uint64_t pack_bytes,
                          const CommandContext& context) noexcept;
/// @param problems That were found in it.
void note_verified(const RepositoryChoice& choice, std::uint64_t problems,
                   const CommandContext& context) noexcept;

}  // namespace dbbackup
