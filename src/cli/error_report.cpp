#include "cli/error_report.hpp"

#include "cli/display_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <exception>
#include <new>
#include <string_view>

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
    // Where it is no terminal, a program or an editor may want whole lines.
    const auto fitted = [&terminal](const std::string& text, std::size_t column) {
        return terminal.is_terminal ? wrapped(text, terminal.width, column, 2) : text;
    };
    if (report.exit_code == ExitCode::cancelled) {
        std::string text = fmt::format("db-backup: {}\n", painted("33", report.message));
        return report.hint.empty() ? text : text + fitted(printable(report.hint), 0) + "\n";
    }
    constexpr std::size_t kErrorColumn = std::string_view("db-backup: error: ").size();
    constexpr std::size_t kHintColumn = std::string_view("hint: ").size();
    std::string text = fmt::format("db-backup: {} {}\n", painted("1;31", "error:"),
                                   fitted(printable_lines(report.message), kErrorColumn));
    for (const std::string& attempting : report.context) {
        const std::string line = fmt::format(
            "  {}{}", attempting.starts_with("while ") ? "" : "while ", printable(attempting));
        text += fitted(line, 0) + "\n";
    }
    if (!report.hint.empty()) {
        text += fmt::format("{} {}\n", painted("36", "hint:"),
                            fitted(printable_lines(report.hint), kHintColumn));
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
