#pragma once

/// @file
/// Steps of a restore that are the same for a whole database, for parts of one in a new database,
/// and for parts that go into one that is there.

#include "connector/connector.hpp"
#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/roles.hpp"
#include "sys/memory_file.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// The whole stream, in order.
void read_whole(StreamReader& stream, const std::function<void(BytesView)>& take,
                const std::stop_token& stop);

/// Tables and views with the rows that the snapshot has of them, for a plan.
[[nodiscard]] std::vector<RestoredTable> planned_tables(const ChosenParts& parts);

/// Whether `name` is what a database has beside tables: "shop:sequences".
[[nodiscard]] bool is_special(const std::string& name, std::string_view what);

/// Whether anything of a stream goes into a new database.
[[nodiscard]] bool is_needed(const ChosenParts& parts, const StoredStream& stream);

/// The archive of definitions, for pg_restore: all of it, or only some entries.
class ArchiveFile {
public:
    void append(BytesView part) { archive_.append(part); }
    /// From now on only these.
    void choose(std::span<const int> ids);
    /// The same. @param list As `pg_restore --list` writes it.
    void choose(const std::string& list);
    /// Arguments of pg_restore: the section, the list, the file.
    [[nodiscard]] std::vector<std::string> words(std::string_view section,
                                                 const RestoreRequest& request) const;
    [[nodiscard]] std::vector<int> descriptors() const;
    /// The path alone.
    [[nodiscard]] std::string path() const { return archive_.path(); }
    /// Whether it has these bytes anywhere.
    [[nodiscard]] bool has(std::string_view text) const;
    /// All of it. @throws as `Toc::parse`.
    [[nodiscard]] Toc toc() const;
    /// What pg_restore would do, as SQL that psql or, without psql's own commands, a connection
    /// takes.
    /// @param server_major Of the server that it is for.
    [[nodiscard]] std::string script(std::string_view section, const RestoreRequest& request,
                                     int server_major, const std::stop_token& stop) const;

private:
    MemoryFile archive_;
    std::optional<MemoryFile> list_;
};

/// A script for one transaction of a connection of our own: without psql's commands, and without
/// the settings of time limits in its head.
[[nodiscard]] std::string for_connection(std::string script);

/// Has a connection take SQL of an archive: the server reads all of a script at once, in the
/// encoding that is set before it.
/// @param settings As `Toc::settings`. @param encoding Of the rows: what holds again after it.
/// @param execute Gives it the SQL.
void take_archive_sql(Connection& connection, std::span<const std::string> settings,
                      std::string_view encoding, const std::function<void()>& execute);

/// Of what a database needs, what the chosen entries need.
[[nodiscard]] Requirements needed_of(const ChosenParts& parts, const Requirements& all);

/// Which values of sequences are restored, and how.
struct SequenceChoice {
    std::string schema;
    std::string name;
    std::string target_schema;
};
/// Whether a sequence that is in use may go back.
enum class SequenceWay : bool { as_stored, only_forward };

/// Sets the values of sequences. In a transaction, which it needs; values of sequences that were
/// there before it are set at once, whatever becomes of it.
/// @param chosen Null: all.
void set_sequences(Connection& connection, StreamReader& stream,
                   const std::vector<SequenceChoice>* chosen, SequenceWay way,
                   std::stop_token stop);

/// Fills materialized views. Views upon views come after those: who fails for want of another is
/// tried again.
void fill_views(Connection& connection, std::vector<std::string> views, Commits commits);

/// @param missing What a server lacks. @param remedy_for_roles Nothing where roles do not matter.
/// @throws ConfigError (code "target_lacks") that names it.
void refuse_missing(const Requirements& missing, const char* remedy_for_roles);

/// Ends a transaction that holds all of a restore. @throws ServerError, whose hint says where it is
/// not known whether the server did it.
void commit(Connection& connection);

/// Renames schemas that a new database got. A schema `public` stays there.
void rename_schemas(Connection& connection, const ChosenParts& parts);

}  // namespace dbbackup::postgres
