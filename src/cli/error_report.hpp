#pragma once

/// @file
/// How an error looks: lines for people on stderr, one JSON document for programs on stdout.

#include "base/error.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbbackup {

/// Everything there is to say about what went wrong.
struct ErrorReport {
    ExitCode exit_code = ExitCode::failure;
    std::string code;
    std::string message;
    std::string hint;
    std::vector<std::string> context;
};

/// Describes the exception that is being handled; call it in a catch block.
/// Unknown exceptions become exit code 1 with the request to report them.
[[nodiscard]] ErrorReport describe_current_exception();

/// "db-backup: error: …", then context and hint, each on its own line.
[[nodiscard]] std::string error_text(const ErrorReport& report, const Terminal& terminal);

/// {"error": {"code", "exit_code", "message", "hint", "context"}}
[[nodiscard]] nlohmann::ordered_json error_json(const ErrorReport& report);

}  // namespace dbbackup
