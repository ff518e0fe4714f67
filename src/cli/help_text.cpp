#include "cli/help_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::size_t kWidthMin = 40;
constexpr std::size_t kWidthMax = 110;  // Longer lines are hard to read.
constexpr std::size_t kIndent = 2;
constexpr std::size_t kGap = 2;
/// A left part longer than this gets a line of its own, so that the texts keep some width.
constexpr std::size_t kLeftMax = 26;

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines(1);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) {
            lines.emplace_back();
        }
        lines.back() += (lines.back().empty() ? "" : " ") + std::string(word);
    }
    return lines;
}

struct Row {
    std::string left;
    std::string text;
};

std::string rows_text(std::string_view title, const std::vector<Row>& rows, std::size_t width) {
    std::size_t left = 0;
    for (const Row& row : rows) {
        if (row.left.size() <= kLeftMax) {
            left = std::max(left, row.left.size());
        }
    }
    // On a narrow terminal the texts go below the names.
    const std::size_t column = width < 60 ? kIndent + 4 : kIndent + left + kGap;
    std::string out = fmt::format("\n{}:\n", title);
    for (const Row& row : rows) {
        std::string line = std::string(kIndent, ' ') + row.left;
        for (const std::string& part : wrapped(row.text, width - column)) {
            if (line.size() + kGap > column) {
                out += line + "\n";
                line.clear();
            }
            line.resize(column, ' ');
            line += part;
            out += line + "\n";
            line.clear();
        }
    }
    return out;
}

std::string option_left(const CLI::Option& option) {
    std::string names = option.get_name(false, true);
    for (std::size_t at = names.find(','); at != std::string::npos; at = names.find(',', at + 2)) {
        names.replace(at, 1, ", ");
    }
    const bool takes_value = option.get_items_expected_max() > 0 && option.get_type_size() != 0;
    return takes_value ? names + " " + option.get_type_name() : names;
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name()
                                       : full_name(*app.get_parent()) + " " + app.get_name();
}

std::string usage(const CLI::App& app, bool has_commands) {
    std::string line = "usage: " + full_name(app);
    for (const CLI::Option* option :
         app.get_options([](const CLI::Option* each) { return each->get_positional(); })) {
        const bool repeats = option->get_expected_max() > 1;
        const std::string name = option->get_name(true, false);
        line += repeats ? fmt::format(" [{}...]", name) : " " + name;
    }
    return line + (has_commands ? " COMMAND" : "") + " [OPTIONS]\n";
}

/// Never wrapped: they are there to be pasted.
std::string examples(const CLI::App& app) {
    const std::string lines = app.get_footer();
    if (lines.empty()) {
        return {};
    }
    std::string out = "\nExamples:\n  ";
    for (const char character : lines) {
        out += character;
        if (character == '\n') {
            out += "  ";
        }
    }
    return out + "\n";
}

std::string help_of(const CLI::App& app, std::size_t width) {
    const std::vector<const CLI::App*> commands =
        app.get_subcommands([](const CLI::App* each) { return !each->get_description().empty(); });
    std::string out;
    for (const std::string& line : wrapped(app.get_description(), width)) {
        out += line + "\n";
    }
    out += "\n" + usage(app, !commands.empty());

    std::vector<Row> rows;
    for (const CLI::App* command : commands) {
        rows.push_back({command->get_name(), command->get_description()});
    }
    if (!rows.empty()) {
        out += rows_text("Commands", rows, width);
    }
    rows.clear();
    for (const CLI::Option* option : app.get_options([](const CLI::Option* each) {
             return each->get_positional() && !each->get_description().empty();
         })) {
        rows.push_back({option->get_name(true, false), option->get_description()});
    }
    if (!rows.empty()) {
        out += rows_text("Arguments", rows, width);
    }
    std::vector<std::string> groups = app.get_groups();
    // Those that every command has come last.
    std::stable_partition(groups.begin(), groups.end(),
                          [](const std::string& group) { return group != "Global options"; });
    for (const std::string& group : groups) {
        rows.clear();
        for (const CLI::Option* option : app.get_options([&group](const CLI::Option* each) {
                 return each->get_group() == group && each->nonpositional();
             })) {
            rows.push_back({option_left(*option), option->get_description()});
        }
        if (!rows.empty()) {
            out += rows_text(group, rows, width);
        }
    }
    return out + examples(app);
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter(std::size_t width) {
    const std::size_t columns = std::clamp(width, kWidthMin, kWidthMax);
    return std::make_shared<CLI::FormatterLambda>(
        [columns](const CLI::App* app, const std::string&, CLI::AppFormatMode) {
            return help_of(*app, columns);
        });
}

}  // namespace dbbackup
