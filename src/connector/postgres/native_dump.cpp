#include "connector/postgres/native_dump.hpp"

#include "base/error.hpp"
#include "connector/postgres/archive_head.hpp"
#include "connector/postgres/lock_waits.hpp"
#include "connector/postgres/part_pipe.hpp"
#include "connector/postgres/script_filter.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/whole_stream.hpp"

#include <fmt/format.h>

#include <exception>
#include <thread>
#include <utility>

namespace dbbackup::postgres {
namespace {

void add_choices(ToolCall& call, const RestoreRequest& request) {
    if (!request.keeps_owners) {
        call.with("--no-owner");
    }
    if (!request.keeps_privileges) {
        call.with("--no-privileges");
    }
}

/// What pg_restore of a later version says, through psql: the server does not know all of it.
void restore_by_script(const Tool& tool, const ConnectionInfo& info, int server_major,
                       const RestoreRequest& request, WholeStream& archive,
                       const std::stop_token& stop) {
    PartPipe pipe;
    std::stop_source gives_up;
    const std::stop_callback pass_on(stop, [&gives_up] { gives_up.request_stop(); });
    const std::jthread giver([&] {
        try {
            ScriptFilter script(true, [&pipe](BytesView part) { pipe.give(part); });
            ToolCall call = ToolCall::without_server(tool);
            call.with("--file=-");
            add_choices(call, request);
            call.run([&archive] { return archive.next(); },
                     [&script](BytesView part) { script.take(part); }, gives_up.get_token());
            script.finish();
            pipe.end();
        } catch (...) {
            pipe.end(std::current_exception());
        }
    });
    try {
        run_script(
            tool_for("psql", server_major, stop), info, [&pipe] { return pipe.take(); }, stop);
    } catch (...) {
        pipe.abandon();
        gives_up.request_stop();
        throw;
    }
    pipe.abandon();
}

}  // namespace

void dump_natively(const ConnectionInfo& info, const DumpSetting& setting, DumpForm form,
                   const std::function<void(BytesView part)>& take, const std::stop_token& stop) {
    const Tool tool = tool_for("pg_dump", setting.server_major, stop);
    ToolCall call(tool, info);
    call.with(fmt::format("--lock-wait-timeout={}", bounded(setting.lock_timeout).count()));
    if (form == DumpForm::archive) {
        call.with("--format=custom").with("--compress=0");
    }
    ScriptFilter script(tool.major > setting.server_major && form == DumpForm::script, take);
    if (setting.is_standby) {
        call.with("--no-unlogged-table-data");
    }
    try {
        // A script has no such head.
        call.run(
            {},
            [&script, head = ArchiveHead()](BytesView part) mutable {
                script.take(head.without_time(part));
            },
            stop);
        script.finish();
    } catch (const SourceError& error) {
        if (!is_lock_timeout_of_tool(error)) {
            throw;
        }
        Connection other(info, Role::source, stop);
        throw lock_error_of_tool(error, exclusive_locks(other));
    }
}

void script_of_dump(StreamReader& stream, int server_major,
                    const std::function<void(BytesView part)>& take, const std::stop_token& stop) {
    const Tool tool = tool_for("pg_restore", server_major, stop);
    WholeStream archive(stream, stop);
    ScriptFilter script(tool.major > server_major, take);
    ToolCall call = ToolCall::without_server(tool);
    call.with("--file=-")
        .run([&archive] { return archive.next(); },
             [&script](BytesView part) { script.take(part); }, stop);
    script.finish();
}

void restore_natively(const ConnectionInfo& info, int server_major, const RestoreRequest& request,
                      StreamReader& stream, const std::stop_token& stop) {
    const Tool tool = tool_for("pg_restore", server_major, stop);
    WholeStream archive(stream, stop);
    if (tool.major > server_major) {
        restore_by_script(tool, info, server_major, request, archive, stop);
        return;
    }
    ToolCall call(tool, info);
    call.with("--exit-on-error");
    add_choices(call, request);
    call.run([&archive] { return archive.next(); }, {}, stop);
}

}  // namespace dbbackup::postgres
