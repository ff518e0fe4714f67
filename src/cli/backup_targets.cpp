#include "cli/backup_targets.hpp"

#include "base/error.hpp"
#include "engine/snapshot_copy.hpp"
#include "storage/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kShownIdLength = 8;

bool is_of_repository(const Error& error) {
    return error.exit_code() == ExitCode::storage ||
           dynamic_cast<const RepositoryError*>(&error) != nullptr;
}

TargetFailure failure_of(const Error& error) { return {error.code(), error.what(), error.hint()}; }

/// The copy of one snapshot, while what it needs is still in the cache of the machine.
TargetOutcome copied(Repository& source, const SnapshotSummary& snapshot,
                     const RepositoryChoice& choice, unsigned jobs, CommandContext& context) {
    TargetOutcome outcome;
    outcome.repository = choice.name.value_or(choice.url);
    outcome.is_copied = true;
    try {
        const std::unique_ptr<Repository> target = open_repository(choice, context);
        outcome.repository = target->storage().url();
        target->check_writable();
        Progress progress;
        const ProgressLine line(progress, context.progress("copying to " + outcome.repository),
                                context.errors, context.log);
        CopyOptions options;
        options.jobs = jobs;
        CopyReport report = copy_snapshots(source, *target, {snapshot}, options,
                                           context.engine(progress), context.stop);
        const CopiedSnapshot& copy = report.snapshots.front();
        if (!copy.target) {
            throw CorruptionError(copy.failure);
        }
        outcome.snapshot = copy.target->id;
        outcome.bytes_added = copy.target->bytes_added;
    } catch (const Error& error) {
        outcome.failure = failure_of(error);
    }
    return outcome;
}

/// The same for all ways to write the URL of a place.
std::string place_of(const std::string& text) {
    try {
        const StorageUrl url = StorageUrl::parse(text);
        if (url.type() == StorageType::local) {
            std::error_code unresolved;
            const auto path = std::filesystem::weakly_canonical(url.path, unresolved);
            return unresolved ? url.path : path.native();
        }
        return fmt::format("{}://{}?{}", url.scheme, url.path, fmt::join(url.query, "&"));
    } catch (const ConfigError&) {
        return text;  // Whoever opens it says what is wrong with it.
    }
}

TargetOutcome failed(const RepositoryChoice& choice, const Error& error) {
    TargetOutcome outcome;
    outcome.repository = choice.name.value_or(choice.url);
    outcome.failure = failure_of(error);
    return outcome;
}

}  // namespace

std::vector<RepositoryChoice> backup_targets(const CommandContext& context,
                                             const std::string& of_source) {
    std::vector<RepositoryChoice> choices = {choose_repository(context, of_source)};
    const auto add = [&](const std::string& text) {
        RepositoryChoice choice = choose_second_repository(text, std::nullopt, context);
        const auto is_its = [place = place_of(choice.url)](const RepositoryChoice& other) {
            return place_of(other.url) == place;
        };
        if (std::ranges::none_of(choices, is_its)) {
            choices.push_back(std::move(choice));
        }
    };
    for (const std::string& text : context.globals.more_repositories) {
        add(text);
    }
    // Mirrors of mirrors, too: each place is visited once, so that a ring ends.
    std::size_t visited = 0;
    while (visited < choices.size()) {
        const RepositoryConfig* const config = choices[visited].config;
        if (config != nullptr) {
            std::ranges::for_each(config->mirror_to, add);
        }
        ++visited;
    }
    return choices;
}

Taken take_for_all(const std::vector<RepositoryChoice>& choices,
                   const std::function<BackupReport(const RepositoryChoice& choice,
                                                    std::unique_ptr<Repository>& repository)>& take,
                   unsigned jobs, CommandContext& context) {
    Taken taken;
    std::unique_ptr<Repository> written;
    std::exception_ptr first_failure;
    std::size_t index = 0;
    for (; !written && index < choices.size(); ++index) {
        const bool is_last = index + 1 == choices.size();
        std::unique_ptr<Repository> repository;
        try {
            taken.report = take(choices[index], repository);
            written = std::move(repository);
        } catch (const Error& error) {
            if (choices.size() == 1 || !is_of_repository(error)) {
                throw;
            }
            first_failure = first_failure ? first_failure : std::current_exception();
            if (is_last) {
                std::rethrow_exception(first_failure);
            }
            context.log.warning("a repository cannot be written, the next one takes its place",
                                {{"repository", choices[index].url}, {"error", error.what()}});
            taken.targets.push_back(failed(choices[index], error));
        }
    }
    taken.url = written ? written->storage().url() : choices.front().url;
    if (choices.size() == 1 || !written) {
        return taken;
    }
    const SnapshotSummary& summary = taken.report.snapshot.summary;
    TargetOutcome& outcome = taken.targets.emplace_back();
    outcome.repository = taken.url;
    outcome.snapshot = summary.id;
    outcome.bytes_added = summary.bytes_added;
    context.left_by_stop =
        fmt::format("The snapshot {} is in {}; 'db-backup copy' brings it to the others.",
                    summary.id.substr(0, kShownIdLength), taken.url);
    for (; index < choices.size(); ++index) {
        taken.targets.push_back(copied(*written, summary, choices[index], jobs, context));
    }
    return taken;
}

}  // namespace dbbackup
