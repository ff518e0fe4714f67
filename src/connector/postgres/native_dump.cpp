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
#include <string>
#include <string_view>
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

/// What psql gets before what pg_restore says.
struct ScriptHead {
    std::string text;
    bool is_one_transaction = false;  ///< `text` begins it, and what pg_restore says ends it.
};

/// What pg_restore says, through psql.
void restore_by_script(const ConnectionInfo& info, int server_major, const RestoreRequest& request,
                       ScriptHead head, WholeStream& archive, const std::stop_token& stop) {
    const Tool tool = tool_for("pg_restore", server_major, stop);
    PartPipe pipe;
    std::stop_source gives_up;
    const std::stop_callback pass_on(stop, [&gives_up] { gives_up.request_stop(); });
    const std::jthread giver([&] {
        try {
            ScriptFilter script(tool.major > server_major,
                                [&pipe](BytesView part) { pipe.give(part); });
            ToolCall call = ToolCall::without_server(tool);
            call.with("--file=-");
            if (head.is_one_transaction) {
                call.with("--single-transaction");
            }
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
            tool_for("psql", server_major, stop), info,
            [&pipe, &head, is_begun = false]() mutable -> BytesView {
                if (!std::exchange(is_begun, true) && !head.text.empty()) {
                    return as_bytes(head.text);
                }
                return pipe.take();
            },
            stop);
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
        // The server does not know all that it would say.
        restore_by_script(info, server_major, request, {}, archive, stop);
        return;
    }
    ToolCall call(tool, info);
    call.with("--exit-on-error");
    add_choices(call, request);
    call.run([&archive] { return archive.next(); }, {}, stop);
}

void restore_natively_at_once(const ConnectionInfo& info, int server_major,
                              const RestoreRequest& request,
                              const std::vector<std::string>& statements, StreamReader& stream,
                              const std::stop_token& stop) {
    WholeStream archive(stream, stop);
    // Its own BEGIN is within this one then, which psql remarks on and the server ignores.
    ScriptHead head{.text = "BEGIN;\nSET client_min_messages = error;\n",
                    .is_one_transaction = true};
    for (const std::string& statement : statements) {
        head.text += statement + ";\n";
    }
    restore_by_script(info, server_major, request, std::move(head), archive, stop);
}

}  // namespace dbbackup::postgres
