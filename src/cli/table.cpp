#include "cli/table.hpp"

#include "cli/display_text.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <numeric>

namespace dbbackup {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kShrunkMin = 8;
constexpr const char* kBold = "\x1b[1m";
constexpr const char* kPlain = "\x1b[0m";

std::size_t total(const std::vector<std::size_t>& widths) {
    std::size_t shown = 0;
    std::size_t sum = 0;
    for (const std::size_t width : widths) {
        shown += width > 0 ? 1 : 0;
        sum += width;
    }
    return sum + (shown > 0 ? (shown - 1) * kGap : 0);
}

std::string trimmed_end(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

/// Printable text in parts of at most `width` columns, broken at spaces where there are any.
std::vector<std::string> broken(std::string_view text, std::size_t width) {
    std::vector<std::string> parts;
    while (display_width(text) > width) {
        const std::size_t fitting = fitting_bytes(text, width);
        const std::size_t space = text.substr(0, fitting + 1).rfind(' ');
        const bool at_space = space != std::string_view::npos && space > 0;
        const std::size_t length = at_space ? space : std::max<std::size_t>(1, fitting);
        parts.emplace_back(text.substr(0, length));
        text.remove_prefix(length + (at_space ? 1 : 0));
    }
    parts.emplace_back(text);
    return parts;
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) {
    assert(cells.size() == columns_.size());
    for (std::string& cell : cells) {
        cell = printable(cell);
    }
    rows_.push_back(std::move(cells));
}

/// The width that each column would like to have; 0 for one in which nothing stands.
std::vector<std::size_t> Table::natural_widths() const {
    std::vector<std::size_t> widths;
    for (std::size_t index = 0; index < columns_.size(); ++index) {
        std::size_t width = 0;
        for (const std::vector<std::string>& row : rows_) {
            width = std::max(width, display_width(row[index]));
        }
        widths.push_back(width == 0 ? 0 : std::max(width, columns_[index].title.size()));
    }
    return widths;
}

/// The width of each column on this terminal; 0 leaves it out.
std::vector<std::size_t> Table::fitting_widths(const Terminal& terminal) const {
    std::vector<std::size_t> natural = natural_widths();
    if (!terminal.is_terminal) {
        return natural;
    }
    std::vector<std::size_t> by_rank(columns_.size());
    std::iota(by_rank.begin(), by_rank.end(), std::size_t{0});
    std::ranges::stable_sort(by_rank, std::greater{},
                             [this](std::size_t index) { return columns_[index].rank; });
    for (;;) {
        std::vector<std::size_t> widths = natural;
        for (const std::size_t index : by_rank) {
            const std::size_t excess = total(widths) - std::min(total(widths), terminal.width);
            if (columns_[index].may_shrink && widths[index] > kShrunkMin) {
                widths[index] -= std::min(excess, widths[index] - kShrunkMin);
            }
        }
        const auto goes = std::ranges::find_if(by_rank, [&](std::size_t index) {
            return natural[index] > 0 && columns_[index].rank > 0;
        });
        if (total(widths) <= terminal.width || goes == by_rank.end()) {
            return widths;
        }
        natural[*goes] = 0;
    }
}

std::string Table::text(const Terminal& terminal) const {
    const std::vector<std::size_t> widths = fitting_widths(terminal);
    const auto line_of = [&](const std::vector<std::string>& cells) {
        std::string line;
        bool is_first = true;
        for (std::size_t index = 0; index < columns_.size(); ++index) {
            if (widths[index] == 0) {
                continue;
            }
            line.append(is_first ? 0 : kGap, ' ');
            is_first = false;
            const std::string cell = terminal.is_terminal
                                         ? shortened(cells[index], widths[index], terminal.is_utf8)
                                         : cells[index];
            const std::string padding(widths[index] - std::min(widths[index], display_width(cell)),
                                      ' ');
            line += columns_[index].align == Align::right ? padding + cell : cell + padding;
        }
        return trimmed_end(line);
    };
    std::vector<std::string> titles;
    for (const Column& column : columns_) {
        titles.push_back(column.title);
    }
    std::string out = terminal.has_color ? kBold + line_of(titles) + kPlain : line_of(titles);
    out += "\n";
    for (const std::vector<std::string>& row : rows_) {
        out += line_of(row) + "\n";
    }
    return out;
}

std::string aligned_fields(const std::vector<Field>& fields, const Terminal& terminal) {
    std::size_t width = 0;
    for (const auto& [name, value] : fields) {
        width = std::max(width, display_width(name));
    }
    const std::size_t column = kGap + width + kGap;
    const std::size_t room = terminal.is_terminal && terminal.width > column + kShrunkMin
                                 ? terminal.width - column
                                 : std::string::npos;
    std::string out;
    for (const auto& [name, value] : fields) {
        std::string line = std::string(kGap, ' ') + name;
        line.append(column - display_width(line), ' ');
        for (const std::string& part : broken(printable(value), room)) {
            out += trimmed_end(line + part) + "\n";
            line.assign(column, ' ');
        }
    }
    return out;
}

}  // namespace dbbackup
