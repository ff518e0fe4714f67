#include "cli/error_report.hpp"

#include "cli/display_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <exception>
#include <new>

namespace dbbackup {
namespace {

constexpr const char* kReportHint =
    "This is a bug, please report it with the command and this message.";

}  // namespace

ErrorReport describe_current_exception() {
    ErrorReport report;
    try {
        throw;
    } catch (const Cancelled&) {
        report = {ExitCode::cancelled, "cancelled", "interrupted", "", {}};
    } catch (const Error& error) {
        report = {error.exit_code(), error.code(), error.what(), error.hint(), error.context()};
        if (report.exit_code == ExitCode::failure && report.hint.empty()) {
            report.hint = kReportHint;
        }
    } catch (const std::bad_alloc&) {
        report = {ExitCode::failure,
                  "out_of_memory",
                  "out of memory",
                  "Give fewer --jobs, or the machine more memory.",
                  {}};
    } catch (const std::exception& error) {
        report = {ExitCode::failure,
                  "failure",
                  fmt::format("unexpected: {}", error.what()),
                  kReportHint,
                  {}};
    } catch (...) {
        report = {ExitCode::failure,
                  "failure",
                  "unexpected: an exception without a message",
                  kReportHint,
                  {}};
    }
    return report;
}

std::string error_text(const ErrorReport& report, const Terminal& terminal) {
    const auto painted = [&terminal](const char* color, const std::string& text) {
        return terminal.has_color ? fmt::format("\x1b[{}m{}\x1b[0m", color, text) : text;
    };
    if (report.exit_code == ExitCode::cancelled) {
        std::string text = fmt::format("db-backup: {}\n", painted("33", report.message));
        return report.hint.empty() ? text : text + printable(report.hint) + "\n";
    }
    std::string text = fmt::format("db-backup: {} {}\n", painted("1;31", "error:"),
                                   printable_lines(report.message));
    for (const std::string& attempting : report.context) {
        text += fmt::format("  {}{}\n", attempting.starts_with("while ") ? "" : "while ",
                            printable(attempting));
    }
    if (!report.hint.empty()) {
        text += fmt::format("{} {}\n", painted("36", "hint:"), printable_lines(report.hint));
    }
    return text;
}

nlohmann::ordered_json error_json(const ErrorReport& report) {
    nlohmann::ordered_json error;
    error["code"] = report.code;
    error["exit_code"] = static_cast<int>(report.exit_code);
    error["message"] = report.message;
    error["hint"] = report.hint;
    error["context"] = report.context;
    nlohmann::ordered_json document;
    document["error"] = std::move(error);
    return document;
}

}  // namespace dbbackup
