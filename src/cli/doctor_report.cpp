#include "cli/doctor_report.hpp"

#include "cli/display_text.hpp"
#include "cli/error_report.hpp"
#include "cli/snapshot_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIndent = 9;  ///< Behind the longest verdict.

std::size_t count_of(const std::vector<Examined>& lines, Verdict verdict) {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [verdict](const Examined& line) { return line.check.verdict == verdict; }));
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

const char* color_of(Verdict verdict) {
    return verdict == Verdict::ok ? "32" : verdict == Verdict::warning ? "33" : "1;31";
}

std::string verdict_text(Verdict verdict, const Terminal& terminal) {
    const std::string padded = fmt::format("{:<{}}", verdict_name(verdict), kIndent);
    return terminal.has_color ? fmt::format("\x1b[{}m{}\x1b[0m", color_of(verdict), padded)
                              : padded;
}

std::string fitted(const std::string& text, const Terminal& terminal) {
    return terminal.is_terminal ? wrapped(text, terminal.width, kIndent, kIndent) : text;
}

}  // namespace

Examined examined_error(std::string subject, std::string name, std::string check) {
    const ErrorReport report = describe_current_exception();
    return {std::move(subject),
            std::move(name),
            {std::move(check), Verdict::problem, report.message, report.hint},
            report.exit_code,
            report.code};
}

ExitCode exit_code_of(const std::vector<Examined>& lines) {
    const auto first = std::ranges::find_if(
        lines, [](const Examined& line) { return line.check.verdict == Verdict::problem; });
    return first == lines.end() ? ExitCode::success : first->exit_code;
}

Json doctor_json(const std::vector<Examined>& lines) {
    Json checks = Json::array();
    for (const Examined& line : lines) {
        checks.push_back({{"subject", line.subject},
                          {"name", text_or_null(line.name)},
                          {"check", line.check.name},
                          {"verdict", verdict_name(line.check.verdict)},
                          {"message", line.check.text},
                          {"remedy", text_or_null(line.check.remedy)},
                          {"code", text_or_null(line.code)}});
    }
    const std::size_t problems = count_of(lines, Verdict::problem);
    return {{"ok", problems == 0},
            {"exit_code", static_cast<int>(exit_code_of(lines))},
            {"problems", problems},
            {"warnings", count_of(lines, Verdict::warning)},
            {"checks", std::move(checks)}};
}

std::string doctor_text(const std::vector<Examined>& lines, const Terminal& terminal) {
    std::string text;
    for (const Examined& line : lines) {
        const std::string subject =
            line.name.empty() ? line.subject : fmt::format("{} {}", line.subject, line.name);
        text +=
            verdict_text(line.check.verdict, terminal) +
            fitted(printable(fmt::format("{}, {}: {}", subject, line.check.name, line.check.text)),
                   terminal) +
            "\n";
        if (!line.check.remedy.empty()) {
            text += std::string(kIndent, ' ') +
                    fitted("remedy: " + printable(line.check.remedy), terminal) + "\n";
        }
    }
    const std::size_t problems = count_of(lines, Verdict::problem);
    const std::size_t warnings = count_of(lines, Verdict::warning);
    return text + fmt::format("\n{}, {}\n",
                              problems == 0 ? "no problem" : counted(problems, "problem"),
                              warnings == 0 ? "no warning" : counted(warnings, "warning"));
}

}  // namespace dbbackup
