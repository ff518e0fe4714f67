#pragma once

/// @file
/// Rows of text in aligned columns, cut to the width of a terminal but never when piped.

#include "cli/terminal.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

enum class Align : std::uint8_t { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
    bool may_shrink = false;  ///< May be cut with an ellipsis on a narrow terminal.
    /// On a terminal too narrow for all, columns with the highest rank are left out first; never
    /// those of rank 0.
    unsigned rank = 0;
};

/// Not thread-safe.
class Table {
public:
    explicit Table(std::vector<Column> columns);

    /// One row, a cell for each column; cells need not be printable.
    void add(std::vector<std::string> cells);

    [[nodiscard]] bool is_empty() const { return rows_.empty(); }
    /// Lines with a header, each ending in a line break.
    [[nodiscard]] std::string text(const Terminal& terminal) const;

private:
    [[nodiscard]] std::vector<std::size_t> natural_widths() const;
    [[nodiscard]] std::vector<std::size_t> fitting_widths(const Terminal& terminal) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// A name and what belongs to it.
using Field = std::pair<std::string, std::string>;

/// "  name    value" lines with the values aligned; on a terminal, long values go on below.
[[nodiscard]] std::string aligned_fields(const std::vector<Field>& fields,
                                         const Terminal& terminal);

}  // namespace dbbackup
