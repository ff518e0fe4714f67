#pragma once

/// @file
/// PostgreSQL's own programs: where they are, of which version, and how they are called without a
/// secret in their arguments or environment.

#include "base/bytes.hpp"
#include "connector/postgres/connection_info.hpp"
#include "sys/memory_file.hpp"
#include "sys/subprocess.hpp"

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

struct Tool {
    std::filesystem::path path;
    int major = 0;
    int minor = 0;
};

/// What a program says of its version: 17 and 11 of "pg_dump (PostgreSQL) 17.11 (Debian …)"; 0 and
/// 0 if it is none of PostgreSQL's. Pure.
[[nodiscard]] Tool tool_of(std::filesystem::path path, std::string_view version);

/// Of those of the PATH, and where Debian, Red Hat and PostgreSQL's own build put them, the one for
/// a server: of its major version, else of the next later one. An older program refuses a newer
/// server; what a later one tells (`run_as_owner` of a subscription, of a server that has no such
/// thing), the older server may refuse.
/// @throws SourceError (code "tool_missing") with what to install.
[[nodiscard]] Tool tool_for(const std::string& name, int server_major, std::stop_token stop);

/// Looks for PostgreSQL's programs once: those that lie beside one that was found are of its
/// version. For any thread.
class ToolFinder {
public:
    /// @throws as `tool_for`.
    [[nodiscard]] Tool find(const std::string& name, int server_major, const std::stop_token& stop);

private:
    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable_any changed_;
    bool is_looking_ = false;
    std::map<int, Tool> found_;  ///< One of them, by the server's major version.
};

/// Whether pg_dump and pg_dumpall of this version take `--restrict-key`; minor versions brought it.
[[nodiscard]] bool takes_restrict_key(const Tool& tool);

/// What it writes to stdout, of a call that reaches no server.
/// @param inherited Descriptors of ours that it has, too.
/// @throws SourceError (code "tool_failed") unless it exits with 0.
[[nodiscard]] std::string output_of(const Tool& tool, const std::vector<std::string>& arguments,
                                    const std::vector<int>& inherited, std::stop_token stop);

/// A call of such a program that reaches a server with the password of `info`, which it reads from
/// a file that is in memory only.
class ToolCall {
public:
    ToolCall(const Tool& tool, const ConnectionInfo& info);
    /// Of one that reaches no server.
    [[nodiscard]] static ToolCall without_server(const Tool& tool);

    ToolCall& with(std::string argument);
    /// A descriptor of ours that the program has, too.
    ToolCall& inherits(int descriptor);
    /// @throws SourceError with what the program wrote to stderr, unless it exits with 0.
    void run(std::function<BytesView()> give_input, std::function<void(BytesView part)> take_output,
             std::stop_token stop);

private:
    explicit ToolCall(const Tool& tool);

    std::string name_;
    ProgramCall call_;
    std::optional<MemoryFile> password_file_;
};

}  // namespace dbbackup::postgres
