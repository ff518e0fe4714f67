#pragma once

/// @file
/// A snapshot on its way into an archive whose files are not the snapshot's streams: SQL text.
///
/// Data path: storage -> unpacker -> connector -> [archive files] -> archive writer.

#include "base/bytes.hpp"
#include "connector/connector.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// How a script in an archive begins: "-- db-backup archive of postgres: {…}". What follows is for
/// the connector alone. And its last line: what has no end is cut off.
inline constexpr std::string_view kScriptBegin = "-- db-backup archive of ";
inline constexpr std::string_view kScriptEnd = "-- db-backup: the archive ends here\n";

/// What holds the database where an archive is of one.
inline constexpr const char* kArchivedDatabase = "main";

/// Takes the files of an archive, one after another. Used by one thread at a time.
class ArchiveFiles {
public:
    ArchiveFiles(const ArchiveFiles&) = delete;
    ArchiveFiles& operator=(const ArchiveFiles&) = delete;
    virtual ~ArchiveFiles() = default;

    /// @param name Of what it holds: `kArchivedDatabase`; ":roles" for what is of its server.
    virtual void begin(const std::string& name) = 0;
    virtual void write(BytesView content) = 0;
    virtual void end() = 0;

protected:
    ArchiveFiles() = default;
};

/// Which form an archive has.
enum class ArchiveForm : std::uint8_t {
    one_file,
    several_files,  ///< What is of the server has a file of its own.
};

/// What is exported. Borrowed.
struct ExportRequest {
    const std::vector<StoredStream>& streams;
    /// Opens one of these; valid until the next call.
    const std::function<StreamReader&(std::size_t index)>& open;
    const std::string& state;  ///< The connector's notes, as `Session::finish` returned them.
    const std::string& server_version;  ///< Of the source, when the snapshot was taken.
    /// Of a snapshot of several databases the one that is wanted; empty: all there are.
    std::string database;
    ArchiveForm form = ArchiveForm::one_file;
};

/// What a connector is, too, whose streams are not files that the database's own tools open: it
/// makes those. The archives of others (SQLite) have the streams themselves.
class ArchiveMaker {
public:
    ArchiveMaker(const ArchiveMaker&) = delete;
    ArchiveMaker& operator=(const ArchiveMaker&) = delete;
    virtual ~ArchiveMaker() = default;

    /// A session whose streams are the files of an archive of the source. @throws as
    /// `Connector::begin`.
    virtual std::unique_ptr<Session> begin_archive(ArchiveForm form, std::stop_token stop) = 0;
    /// Writes what a snapshot holds into the files of an archive. @throws ConfigError (code
    /// "database_unknown"); as `StreamReader`; SourceError (code "tool_failed", "tool_missing").
    virtual void export_files(const ExportRequest& request, ArchiveFiles& files,
                              std::stop_token stop) = 0;

protected:
    ArchiveMaker() = default;
};

}  // namespace dbbackup
