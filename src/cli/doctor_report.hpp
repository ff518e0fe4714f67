#pragma once

/// @file
/// What `doctor` found, as text and as JSON.

#include "base/error.hpp"
#include "cli/terminal.hpp"
#include "connector/examination.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// One line of `doctor`.
struct Examined {
    std::string subject;  ///< "configuration", "repository" or "source".
    std::string name;     ///< Of the repository or source; "" for the configuration.
    Check check;
    /// Of a problem: how a backup would end, and the stable name of its error.
    ExitCode exit_code = ExitCode::success;
    std::string code = {};
};

/// The error that is being handled, as a problem. Call it in a catch block.
[[nodiscard]] Examined examined_error(std::string subject, std::string name, std::string check);

/// How `doctor` ends: as a backup would at the first problem.
[[nodiscard]] ExitCode exit_code_of(const std::vector<Examined>& lines);

[[nodiscard]] nlohmann::ordered_json doctor_json(const std::vector<Examined>& lines);
/// A line for each, its remedy below it, and a line that counts them.
[[nodiscard]] std::string doctor_text(const std::vector<Examined>& lines, const Terminal& terminal);

}  // namespace dbbackup
