#pragma once

/// @file
/// Scripts of PostgreSQL's own programs, loaded by psql.

#include "base/bytes.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/tools.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <utility>

namespace dbbackup::postgres {

/// Takes a script of pg_dump or pg_restore part by part, and passes it on: for servers older than
/// these programs without the settings in its beginning that only later servers know.
class ScriptFilter {
public:
    /// @param take Borrowed, as what it is given.
    ScriptFilter(bool is_for_older, std::function<void(BytesView part)> take)
        : take_(std::move(take)), is_over_(!is_for_older) {}

    void take(BytesView part);
    /// At the end: passes on what was kept back of a script that has hardly more than its head.
    void finish();

private:
    std::function<void(BytesView part)> take_;
    std::string head_;
    bool is_over_;
};

/// Runs a script in a database by psql, up to the first statement that fails.
/// @param give As of `ProgramCall::give_input`. @throws SourceError (code "tool_failed").
void run_script(const Tool& psql, const ConnectionInfo& info,
                const std::function<BytesView()>& give, const std::stop_token& stop);

}  // namespace dbbackup::postgres
