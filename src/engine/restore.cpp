#include "engine/restore.hpp"

#include "base/error.hpp"
#include "engine/database_choice.hpp"
#include "engine/removed_snapshot.hpp"
#include "engine/restore_supply.hpp"
#include "engine/stored_stream.hpp"
#include "repository/chunk_reader.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

/// What is lost leaves a damaged database: it must not replace anything, and single tables of it
/// cannot be told from what SQLite makes of zeros.
/// @throws ConfigError.
void check_partial(const RestoreOptions& options, const StreamChoice& choice) {
    if (!options.is_partial) {
        return;
    }
    if (options.overwrite == Overwrite::yes || options.verify) {
        throw explained<ConfigError>(
            fmt::format("--partial and --{} exclude each other",
                        options.verify ? "verify" : "clean"),
            "Restore with --partial to a new path, and look at what is there.", "usage");
    }
    if (!choice.within.is_everything()) {
        throw explained<ConfigError>(
            "--partial restores whole databases, not single tables",
            "Leave --partial out: tables of which nothing is lost are restored without it.",
            "selection_not_supported");
    }
}

/// What is restored, in the order of the manifest, and how it is read. Not thread-safe.
class ChosenStreams final : public RestoreSupply {
public:
    /// Borrows everything.
    ChosenStreams(Repository& repository, const Manifest& manifest, const StreamChoice& choice,
                  unsigned jobs, Progress& progress, LostRanges* lost)
        : repository_(repository),
          jobs_(jobs),
          progress_(progress),
          lost_(lost),
          reader_(repository, Elsewhere::any_pack) {
        for (const StreamContents& stream : manifest.streams) {
            if (choice.names.contains(stream.stream.name)) {
                contents_.push_back(&stream);
                streams_.push_back(stream.stream);
            }
        }
        open_.resize(streams_.size());
    }

    [[nodiscard]] const std::vector<StoredStream>& streams() const override { return streams_; }
    [[nodiscard]] std::uint64_t bytes_fetched() const { return reader_.bytes_fetched(); }
    [[nodiscard]] std::uint64_t size_bytes() const {
        std::uint64_t bytes = 0;
        for (const StoredStream& stream : streams_) {
            bytes += stream.size_bytes;
        }
        return bytes;
    }

    [[nodiscard]] StreamReader& open(std::size_t index, std::stop_token /*stop*/) override {
        if (!open_[index]) {
            open_[index] = std::make_unique<StoredStreamReader>(*contents_[index], reader_,
                                                                repository_.keys().fingerprinter(),
                                                                jobs_, progress_, lost_);
        }
        return *open_[index];
    }
    void close(std::size_t index) override { open_[index].reset(); }
    [[nodiscard]] const Fingerprinter& fingerprinter() const override {
        return repository_.keys().fingerprinter();
    }

private:
    Repository& repository_;
    unsigned jobs_;
    Progress& progress_;
    LostRanges* lost_;  ///< Null: damage is thrown.
    ChunkReader reader_;
    std::vector<const StreamContents*> contents_;
    std::vector<StoredStream> streams_;
    std::vector<std::unique_ptr<StoredStreamReader>> open_;
};

/// Some of what is supplied, one after the other.
class SuppliedGroup final : public StreamGroup {
public:
    /// @param begin, end Of the supply's streams.
    SuppliedGroup(RestoreSupply& supply, std::size_t begin, std::size_t end)
        : supply_(supply), begin_(begin), streams_(supply.streams()) {
        streams_ = streams_.subspan(begin, end - begin);
    }
    [[nodiscard]] std::span<const StoredStream> streams() const override { return streams_; }
    [[nodiscard]] StreamReader& open(std::size_t index, std::stop_token stop) override {
        const std::lock_guard lock(mutex_);
        return supply_.open(begin_ + index, std::move(stop));
    }
    void close(std::size_t index) override {
        const std::lock_guard lock(mutex_);
        supply_.close(begin_ + index);
    }

private:
    RestoreSupply& supply_;
    std::size_t begin_;
    std::span<const StoredStream> streams_;
    std::mutex mutex_;
};

/// Writes what comes at `begin`: one stream, or all that may be beside it.
/// @return where the next one is.
std::size_t apply_next(RestoreSupply& supply, RestoreSession& session, std::size_t begin,
                       const std::stop_token& stop) {
    const std::vector<StoredStream>& streams = supply.streams();
    std::size_t end = begin;
    while (end < streams.size() && session.may_be_beside(streams[end])) {
        ++end;
    }
    if (end > begin) {
        SuppliedGroup group(supply, begin, end);
        session.apply_together(group, stop);
        return end;
    }
    session.apply(supply.open(begin, stop), stop);
    return begin + 1;
}

RestoreRequest request_for(const Manifest& manifest, const RestoreOptions& options,
                           const StreamChoice& choice, const ChosenStreams& chosen) {
    RestoreRequest request;
    request.target = options.target;
    request.overwrite = options.overwrite;
    request.verify = options.verify;
    request.jobs = options.jobs;
    request.keeps_owners = options.keeps_owners;
    request.keeps_privileges = options.keeps_privileges;
    request.makes_roles = options.makes_roles;
    request.source_bytes = manifest.details.summary.bytes_source;
    request.server_version = manifest.details.server_version;
    request.state = manifest.details.connector_state;
    request.source_identity = manifest.details.summary.identity;
    request.selection = choice.within;
    if (choice.is_a_part) {
        request.extent = Extent::chosen;
        request.source_bytes = chosen.size_bytes();
    }
    return request;
}

RestoreOutcome restore_manifest(Repository& repository, const Manifest& manifest,
                                Connector& connector, const RestoreOptions& options,
                                const Context& context, std::stop_token stop) {
    RestoreOutcome outcome;
    outcome.snapshot = manifest.details.summary;
    const std::vector<StoredStream>& all = manifest.details.streams;
    const StreamChoice choice = choose_streams(outcome.snapshot.type, all, options.selection);
    outcome.is_of_tables = !choice.within.is_everything();
    check_partial(options, choice);
    LostRanges lost;
    ChosenStreams chosen(repository, manifest, choice, options.jobs, context.progress,
                         options.is_partial ? &lost : nullptr);
    const RestoreRequest request = request_for(manifest, options, choice, chosen);
    if (are_several_databases(outcome.snapshot.type, all)) {
        outcome.databases = databases_of(outcome.snapshot.type, chosen.streams());
    }
    carry_out(chosen, request, connector, options, context, outcome, std::move(stop));
    outcome.bytes_fetched = chosen.bytes_fetched();
    outcome.lost = lost.ranges();
    return outcome;
}

}  // namespace

void carry_out(RestoreSupply& supply, const RestoreRequest& request, Connector& connector,
               const RestoreOptions& options, const Context& context, RestoreOutcome& outcome,
               std::stop_token stop) {
    const std::size_t count = supply.streams().size();
    const std::unique_ptr<RestoreSession> session =
        connector.restore(request, supply.streams(), stop);
    // A session for tables that are all in one stream goes on reading it until its end.
    const bool closes_each = !outcome.is_of_tables || count > 1;
    for (std::size_t index = 0; outcome.is_of_tables && index < count; ++index) {
        context.progress.phase = Phase::reading;
        session->inspect(supply.open(index, stop), stop);
        if (closes_each) {
            supply.close(index);
        }
    }
    outcome.plan = session->plan();
    if (!options.is_dry_run) {
        // How much of the snapshot chosen tables need is not known before.
        context.progress.bytes_total = outcome.is_of_tables ? 0 : request.source_bytes;
        context.progress.phase = Phase::writing;
        for (std::size_t index = 0; index < count;) {
            const std::size_t next = apply_next(supply, *session, index, stop);
            for (; index < next; ++index) {
                const std::string whole =
                    session->end_stream(supply.streams()[index], supply.fingerprinter(), stop);
                if (!whole.empty() && options.on_database) {
                    options.on_database(whole);
                }
                if (closes_each) {
                    supply.close(index);
                }
            }
        }
        context.progress.phase = options.verify ? Phase::verifying : Phase::finishing;
        outcome.report = session->finish(supply.fingerprinter(), stop);
    }
}

RestoreOutcome restore(Repository& repository, const SnapshotId& snapshot, Connector& connector,
                       const RestoreOptions& options, const Context& context,
                       std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    const std::unique_ptr<Manifest> manifest = repository.manifest(snapshot, stop);
    RestoreOutcome outcome;
    try {
        outcome = restore_manifest(repository, *manifest, connector, options, context, stop);
    } catch (CorruptionError& error) {
        throw_if_removed(repository, manifest->details.summary, stop);
        const bool is_pack = dynamic_cast<const PackDamaged*>(&error) != nullptr ||
                             dynamic_cast<const PackMissing*>(&error) != nullptr;
        if (is_pack && !options.is_partial) {
            error.set_hint(
                "'db-backup verify --data' tells which snapshots are affected, and 'db-backup "
                "restore --partial' to a new path saves the rest of this one.");
        }
        throw;
    }
    outcome.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return outcome;
}

}  // namespace dbbackup
