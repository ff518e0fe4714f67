#pragma once

/// @file
/// A repository: packs, indexes and manifests under one storage prefix, shared by many hosts
/// without locks (docs/protocol.md). Owns the storage and the keys.
///
/// Reading goes through `ChunkReader` and `SnapshotContents`, writing through `SnapshotWriter`.

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "compress/compressor.hpp"
#include "config/enums.hpp"
#include "crypto/key_slot.hpp"
#include "repository/ids.hpp"
#include "repository/snapshot.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

class Keys;
struct Manifest;

/// How to unlock: called only when the repository is encrypted, with what its slots are of. May be
/// called more than once, and then gives the same.
/// Returns nothing when no such secret is configured.
struct Unlock {
    std::function<std::optional<Secret>()> passphrase;
    std::function<std::optional<Secret>()> key_file;  ///< The 32 bytes of the key file.
    /// The user configured a secret, so an unencrypted repository is refused (exit 12).
    bool expects_encryption = false;
    /// How the configuration says that the repository is encrypted: another kind is refused, and
    /// only secrets of this kind are asked for. Nothing: as the repository itself says.
    std::optional<Encryption> configured = {};
    /// What is configured, without fetching it: says what is wrong when no slot is of that kind.
    bool has_passphrase = false;
    bool has_key_file = false;

    /// Whether a secret of this kind may open a repository that is configured so.
    [[nodiscard]] bool allows(KeySlotKind kind) const {
        return !configured ||
               (kind == KeySlotKind::passphrase) == (*configured == Encryption::passphrase);
    }
};

struct InitOptions {
    Encryption encryption = Encryption::none;
    Secret secret;  ///< Passphrase or key-file bytes; empty for `none`.
};

struct OpenOptions {
    /// Where copies of small objects may be kept to save requests; nothing: no cache.
    std::optional<std::filesystem::path> cache_folder = {};
    /// Where the local index may be kept from run to run; nothing: it is made anew where needed.
    std::optional<std::filesystem::path> index_folder = {};
    /// Where to remember the newest snapshots that were seen; nothing: nowhere.
    std::optional<std::filesystem::path> state_folder = {};
    /// What makes this repository, as a line for a shell; for hints.
    std::string init_line = "db-backup init";
};

/// What of the collectors' records a reader or writer must respect.
struct Removals {
    std::set<std::string> manifests;  ///< Object names on a `removed` list: they do not exist.
    std::set<std::string> indexes;    ///< Object names on a `removed` list.
    /// On a `removed` list or in a marker, and for a writer those that are recorded as damaged:
    /// they provide nothing.
    std::set<PackName> packs;
    /// False when a marker or list could not be read: then no pack of another run provides
    /// anything.
    bool is_complete = true;
};

/// Safe to call from several threads at once, except where noted.
class Repository {
public:
    /// Makes a repository and proves that the store honours create-if-absent.
    /// @throws RepositoryError (code "repository_exists") when there is one, StorageError.
    static void init(Storage& storage, const InitOptions& options, const Clock& clock,
                     std::stop_token stop);

    /// Opens an existing one.
    /// @throws RepositoryMissingError, RepositoryError (newer version, half-made, unknown feature),
    /// WrongKeyError, CorruptionError, StorageError.
    static std::unique_ptr<Repository> open(std::unique_ptr<Storage> storage, const Unlock& unlock,
                                            const OpenOptions& options, Log& log,
                                            std::stop_token stop);

    /// Whether `storage` holds a repository (its `config`), without opening it.
    [[nodiscard]] static bool exists(Storage& storage, std::stop_token stop);

    ~Repository();
    Repository(const Repository&) = delete;
    Repository& operator=(const Repository&) = delete;

    [[nodiscard]] const std::string& id() const;  ///< 32 hexadecimal digits.
    [[nodiscard]] bool is_encrypted() const;
    [[nodiscard]] Storage& storage();
    [[nodiscard]] const Keys& keys() const;
    [[nodiscard]] Log& log();
    /// Where this machine keeps what the repository's index objects say; nothing: nowhere.
    [[nodiscard]] const std::optional<std::filesystem::path>& local_index_file() const;
    /// Where this machine may keep sealed segment lists, to save requests; nothing: nowhere.
    [[nodiscard]] const std::optional<std::filesystem::path>& list_cache_file() const;
    /// @throws RepositoryError (code "unknown_feature") when only a newer program may write here.
    void check_writable() const;
    /// Announces in `features/` what a program must know to read a chunk of this codec. To be
    /// called before such a chunk is stored; costs nothing once it is done. Thread-safe.
    /// @throws StorageError, Cancelled.
    void announce(Codec codec, std::stop_token stop);
    /// The keyed hash that names the folder of a source's manifests.
    [[nodiscard]] SourceId source_id(DatabaseType type, const std::string& identity) const;

    /// All visible snapshots, ordered by source and sequence; damaged manifests and collectors'
    /// records are skipped and reported in `damaged` (object names), or thrown as CorruptionError
    /// when that is null.
    /// @param removals What collectors removed, if the caller has just read that; null: it is read.
    [[nodiscard]] std::vector<SnapshotSummary> snapshots(
        std::stop_token stop, std::vector<std::string>* damaged = nullptr,
        const Removals* removals = nullptr);

    /// Manifests that this machine has seen as the newest of their source, that are gone, and that
    /// no collector removed: as of the last listing of snapshots.
    [[nodiscard]] std::vector<ObjectName> lost_manifests() const;

    /// Remembers a snapshot that was just committed here, so that its loss is noticed by whoever
    /// lists next, and that the next backup need not fetch its manifest.
    /// @param object The stored manifest.
    void remember_committed(const SnapshotSummary& committed, BytesView object);

    /// Those of one source, by sequence; what is damaged is skipped and logged.
    /// @param removals What the caller read a moment ago; null: it is read now.
    [[nodiscard]] std::vector<SnapshotSummary> snapshots_of(const SourceId& source,
                                                            std::stop_token stop,
                                                            const Removals* removals = nullptr);

    /// Everything a manifest says. @throws ConfigError (code "snapshot_unknown"), CorruptionError.
    [[nodiscard]] SnapshotDetails details(const SnapshotId& id, std::stop_token stop);
    /// The manifest with its segment lists, for engine code. @throws as `details`.
    [[nodiscard]] std::unique_ptr<Manifest> manifest(const SnapshotId& id, std::stop_token stop);

private:
    struct Parts;
    explicit Repository(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace dbbackup
