#pragma once

/// @file
/// `--method native`: one database as pg_dump tells it, and back by pg_restore.
///
/// Data path: pg_dump -> [native dump] -> engine, and unpacker -> [native dump] -> pg_restore.

#include "base/error.hpp"
#include "connector/connector.hpp"
#include "connector/postgres/connection_info.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// The name of its stream (`special_stream_name`).
inline constexpr const char* kDumpStream = "dump";

/// What pg_dump is told.
struct DumpSetting {
    int server_major = 0;
    std::chrono::milliseconds lock_timeout{5000};
    bool is_standby = false;  ///< Then unlogged tables have no rows, and asking for them fails.
};

enum class DumpForm : std::uint8_t {
    archive,  ///< --format=custom, not compressed, so that what did not change is found to be the
              ///< same.
    script,   ///< SQL.
};

/// Gives what pg_dump tells; an archive of equal bytes while nothing changes.
/// @throws SourceError (codes "source_locked", "tool_failed", "tool_missing").
void dump_natively(const ConnectionInfo& info, const DumpSetting& setting, DumpForm form,
                   const std::function<void(BytesView part)>& take, const std::stop_token& stop);

/// Gives such an archive as SQL for servers of this version or a later one.
void script_of_dump(StreamReader& stream, int server_major,
                    const std::function<void(BytesView part)>& take, const std::stop_token& stop);

/// Loads such an archive into an empty database, in order and by one process.
/// @param info Of that database. @param request Of it what belongs to whom.
/// @throws SourceError (code "tool_failed" and others).
void restore_natively(const ConnectionInfo& info, int server_major, const RestoreRequest& request,
                      StreamReader& stream, const std::stop_token& stop);

/// The same in one transaction, with these statements before it.
void restore_natively_at_once(const ConnectionInfo& info, int server_major,
                              const RestoreRequest& request,
                              const std::vector<std::string>& statements, StreamReader& stream,
                              const std::stop_token& stop);

}  // namespace dbbackup::postgres
