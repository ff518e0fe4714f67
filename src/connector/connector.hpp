#pragma once

/// @file
/// ★ One kind of database: how to read a source under one consistent view, and write a target.
///
/// Data path: [connector] -> segments (reuse | read | patch) -> chunker -> sealer -> storage, and
/// back. With stream.hpp the only header that a new database implements. A connector never sees
/// storage and the engine never sees SQL: between them go streams, segments, bytes and positions.
/// Every promise made here is checked by tests/conformance/connector_suite.hpp.

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "config/enums.hpp"
#include "connector/contents.hpp"
#include "connector/selection.hpp"
#include "connector/stream.hpp"
#include "crypto/fingerprint.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

/// How a source is reached. Filled from the command line or one `sources:` entry.
struct SourceOptions {
    DatabaseType type = DatabaseType::sqlite;
    std::string database;                ///< SQLite: the file; servers: the database's name.
    std::vector<std::string> databases;  ///< Several, in the place of `database`.
    /// SQLite, in the place of `database`: all databases of a folder.
    std::string folder;
    bool is_all_databases = false;  ///< Servers, in the place of `database`: all that there are.
    std::string name;  ///< What the user calls the source; empty if he gave it no name.
    std::string uri;   ///< Servers: where and as whom. Never holds the password once parsed.
    Secret password;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::uint64_t spool_bytes = 0;  ///< Most bytes staged on disk (SQLite, rollback mode).
    std::string spool_directory;    ///< Where; empty: the system's temporary folder.
    bool allow_corrupt = false;     ///< Back up what the database itself says is damaged.
    std::chrono::milliseconds lock_timeout{5000};
};

/// Whether something can be done here, and if not fully, why and what would help.
enum class Support : std::uint8_t { yes, degraded, no };
struct Capability {
    std::string name;  ///< "full backup", "tracked incremental", "restore of single tables" ...
    Support support = Support::yes;
    std::string reason;
    std::string remedy;
};

/// What a look at the source tells, before anything is read from it.
struct Probe {
    /// Where the source really is: SQLite: host name and real path; servers: what the server says.
    std::string identity;
    std::string suggested_name;  ///< "sqlite-test"
    std::string server_version;
    std::uint64_t source_bytes = 0;
    /// Identities under which a source may have begun that the user gave this name: it goes on.
    std::vector<std::string> former_identities = {};
};

/// Where a view stands in the database's history. Opaque to the engine, shown to people.
struct Position {
    std::string source_id;  ///< System identifier, server uuid, replica set, file identity.
    std::string history;    ///< Timeline, GTID domain, WAL salts; "" if the database has none.
    std::string value;      ///< LSN, binlog position, cluster time, change counter.
};

/// How the source was captured; the words of `--json`.
enum class Capture : std::uint8_t {
    full = 1,
    tracked = 2,    ///< The change record told which segments to read.
    compared = 3,   ///< Everything was read and compared with the parent.
    unchanged = 4,  ///< Proven unchanged; nothing was read.
    reread = 5,     ///< A fallback: the change record could not be used.
    native = 6,     ///< The vendor's dump tool.
};

/// The parent snapshot, as far as a connector may look at it.
struct Parent {
    Position position;
    std::string state;  ///< The connector's own notes, as `Session::finish` returned them.
    std::vector<ParentStream> streams;
    std::string snapshot = {};  ///< Its id, for messages.
};

/// Whether the change record reaches from the parent to now.
struct Continuity {
    bool is_continuous = false;
    std::string reason;  ///< Why not, for people, the log, the manifest and `--json`.
};

/// What a session knows once everything was read.
struct SessionEnd {
    Position position;  ///< Where the view stood.
    /// The connector's notes for the next run; at most 64 KiB. Of several views each has its own,
    /// which are kept with its last stream.
    std::string state;
    Consistency consistency = Consistency::view;
    std::vector<std::string> warnings;  ///< Anything here that was left out is exit code 3.
    bool is_incomplete = false;         ///< Something was left out, and the warnings say what.
    std::uint64_t bytes_read = 0;       ///< From the database, samples and headers included.
    /// The longest time that this session made writers wait, as far as it can know.
    std::chrono::milliseconds writers_waited{0};
};

/// What one of several views would have given cannot be had. The snapshot is made without it, is
/// incomplete, and says why. Not an `Error`: nothing but the engine's loop over the views takes it.
class ViewGivenUp final : public std::exception {
public:
    explicit ViewGivenUp(std::string warning) : warning_(std::move(warning)) {}
    /// One sentence for people: what is left out and why.
    [[nodiscard]] const char* what() const noexcept override { return warning_.c_str(); }

private:
    std::string warning_;
};

/// One consistent view of a source, or several that follow one another where a source is several
/// databases that share no moment. The destructor releases every lock, transaction and slot,
/// whatever happened before.
///
/// Where there are several views, `plan`, `read` and `finish` may throw `ViewGivenUp`: then the
/// streams of this view are left out, and the next one comes.
class Session {
public:
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    /// Streams and their segments under this view, planned against the parent if there is one.
    /// Called once for each view.
    virtual std::vector<StreamPlan> plan() = 0;
    /// How the plans so far came about. Valid after `plan`.
    [[nodiscard]] virtual Capture capture() const = 0;
    /// Why it is `reread` or was not what one would expect; empty otherwise.
    [[nodiscard]] virtual std::string reason() const = 0;
    /// How many threads may call `read`, after `plan`; if several, two more do for opaque streams.
    [[nodiscard]] virtual unsigned readers_max() const = 0;

    /// Gives the bytes of one planned segment (never one to reuse, except as a sample). Called by
    /// `readers_max` threads at once, in the order of the plans; one that fails fires `stop`.
    /// @throws SourceError when the database fails; Cancelled when `stop` fires.
    virtual void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
                      std::stop_token stop) = 0;

    /// Called once for each view, after its last `read` returned. Checks again that the view held.
    /// @throws SourceError when it did not: no snapshot may be made then.
    virtual SessionEnd finish(std::stop_token stop) = 0;

    /// How many views there are. They are held one at a time.
    [[nodiscard]] virtual std::size_t view_count() const { return 1; }
    /// Lets go of this view, finished or not, and goes on to the next.
    virtual void next_view() {}

protected:
    Session() = default;
};

/// What to back up.
struct BackupRequest {
    /// The reference: nothing for a full backup.
    std::optional<Parent> parent;
    unsigned jobs = 1;
    bool is_native = false;  ///< `--method native`.
    /// The change record does not reach back to the parent (`Connector::check`): read everything.
    bool must_read = false;
};

/// Whether a restore may replace what is there.
enum class Overwrite : bool { no, yes };

/// Whether a restore is of a whole snapshot or of streams that the user chose by name.
enum class Extent : bool { everything, chosen };

/// Where and how to restore.
struct RestoreRequest {
    std::string target;  ///< `--to`: a path for SQLite, a URI for servers.
    Overwrite overwrite = Overwrite::no;
    bool verify = false;
    unsigned jobs = 1;
    /// Whether objects belong to whom they belonged to, and privileges are granted. Servers only.
    bool keeps_owners = true;
    bool keeps_privileges = true;
    bool makes_roles = false;        ///< Those that the server does not have. Servers only.
    std::uint64_t source_bytes = 0;  ///< Size of what is restored.
    std::string server_version;      ///< Of the source, when the snapshot was taken.
    std::string state;               ///< The connector's notes, as `Session::finish` returned them.
    std::string source_identity;     ///< To recognise that the target is the source itself.
    Extent extent = Extent::everything;
    /// What of the snapshot is wanted. A connector that cannot choose that throws ConfigError (code
    /// "selection_not_supported").
    Selection selection;
};

/// One table or view of a selective restore.
struct RestoredTable {
    std::string name;                   ///< In the snapshot.
    std::string target;                 ///< In the target.
    std::optional<std::uint64_t> rows;  ///< In a plan an estimate; nothing for views, or unknown.
};

/// What a restore would do; printed by `--dry-run`, then carried out unchanged.
struct RestorePlan {
    std::vector<std::string> steps;  ///< One sentence each.
    std::vector<std::string> warnings;
    std::uint64_t bytes_needed = 0;  ///< On the target's file system.
    std::uint64_t bytes_free = 0;
    bool overwrites = false;     ///< Something that exists is replaced.
    std::string source_version;  ///< Of the server or library when the snapshot was taken.
    std::string target_state;    ///< What is there now: "new", "empty", "database of 4096 bytes".
    std::vector<RestoredTable> tables;  ///< Of a selective restore.
};

struct RestoreReport {
    std::uint64_t bytes_written = 0;
    std::uint64_t rows = 0;
    bool is_verified = false;
    std::vector<std::string> warnings;
    std::vector<RestoredTable> tables;  ///< Of a selective restore.
    bool is_incomplete = false;         ///< Something was left out, and the warnings say what.
};

/// One restore into one target. The destructor removes everything half-written.
class RestoreSession {
public:
    RestoreSession(const RestoreSession&) = delete;
    RestoreSession& operator=(const RestoreSession&) = delete;
    virtual ~RestoreSession() = default;

    [[nodiscard]] virtual const RestorePlan& plan() const = 0;
    /// Before `plan` and only for a selection: lets the session look into a stream to find what was
    /// selected. Writes nothing.
    /// @param stream Borrowed until the session ends.
    /// @throws ConfigError when the selection does not fit what is stored or the target.
    virtual void inspect(StreamReader& stream, std::stop_token stop);
    /// Writes one stream. Streams come in the order of the manifest.
    virtual void apply(StreamReader& stream, std::stop_token stop) = 0;
    /// Whether a stream may be written beside others of which this holds, by `apply_together`.
    /// Asked when what comes before it has been written.
    [[nodiscard]] virtual bool may_be_beside(const StoredStream&) const { return false; }
    /// Writes streams that follow one another, in any order, in the place of `apply`.
    virtual void apply_together(StreamGroup& group, std::stop_token stop);
    /// Called for each stream, in order, after it was written. Where a snapshot is of several
    /// databases, makes one visible after its last stream.
    /// @return its name then, else "".
    virtual std::string end_stream(const StoredStream&, const Fingerprinter&, std::stop_token) {
        return {};
    }
    /// Makes everything visible at once, durably; verifies if asked.
    virtual RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) = 0;

protected:
    RestoreSession() = default;
};

/// One kind of database. Listed in cli/plugins.cpp. Not thread-safe.
class Connector {
public:
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;
    virtual ~Connector() = default;

    /// @throws SourceError when the source is missing, locked, corrupt or refuses.
    virtual Probe probe(std::stop_token stop) = 0;

    /// For people: no backup asks, so looking may take its time. @throws as `probe`.
    virtual std::vector<Capability> capabilities(std::stop_token stop) = 0;

    /// Whether the change record reaches back to `parent`. Reads only; the engine decides the
    /// fallback from it. A kind of database without a change record (SQLite) is continuous.
    virtual Continuity check(const Parent& parent, std::stop_token stop) = 0;

    virtual std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token stop) = 0;

    /// Checks the target and plans; writes nothing before `apply`.
    /// @throws ConfigError (code "target_not_empty" and others) when the target must not be
    /// written, SourceError when it cannot be.
    virtual std::unique_ptr<RestoreSession> restore(const RestoreRequest& request,
                                                    const std::vector<StoredStream>& streams,
                                                    std::stop_token stop) = 0;

    /// The tables of a stored stream that `names` takes, with sizes, in the order in which they
    /// were made. Damage to some leaves their sizes out. @throws ConfigError (code
    /// "tables_not_supported") unless a connector can tell; else as `StreamReader`; SourceError.
    virtual std::vector<StoredTable> tables(StreamReader& stream, const NameSelection& names,
                                            std::stop_token stop);

protected:
    Connector() = default;
};

[[nodiscard]] std::string_view capture_name(Capture capture) noexcept;

}  // namespace dbbackup
