#include "cli/table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup {
namespace {

Table sample() {
    Table table({{"ID", Align::left, false, 0},
                 {"SOURCE", Align::left, true, 0},
                 {"SIZE", Align::right, false, 1},
                 {"TAGS", Align::left, false, 2}});
    table.add({"8f14", "sqlite-orders-of-the-shop", "1.2 GiB", ""});
    table.add({"c9f0", "a", "9 B", ""});
    return table;
}

Terminal terminal(std::size_t width) {
    Terminal terminal;
    terminal.is_terminal = true;
    terminal.is_utf8 = true;
    terminal.width = width;
    return terminal;
}

TEST(Table, AlignsColumnsAndLeavesOutEmptyOnes) {
    EXPECT_EQ(sample().text({}),
              "ID    SOURCE                        SIZE\n"
              "8f14  sqlite-orders-of-the-shop  1.2 GiB\n"
              "c9f0  a                              9 B\n");
}

TEST(Table, ShrinksOnATerminal) {
    EXPECT_EQ(sample().text(terminal(30)),
              "ID    SOURCE              SIZE\n"
              "8f14  sqlite-orders-…  1.2 GiB\n"
              "c9f0  a                    9 B\n");
}

TEST(Table, LeavesOutWhatMattersLeastOnANarrowOne) {
    EXPECT_EQ(sample().text(terminal(20)),
              "ID    SOURCE\n"
              "8f14  sqlite-orders…\n"
              "c9f0  a\n");
}

TEST(Table, NeverCutsInAPipe) {
    Terminal pipe;
    pipe.width = 10;
    EXPECT_NE(sample().text(pipe).find("sqlite-orders-of-the-shop"), std::string::npos);
}

TEST(Table, CleansCells) {
    Table table({{"A", Align::left, false, 0}});
    table.add({"x\x1b[2J\ny"});
    EXPECT_EQ(table.text({}), "A\nx?[2J y\n");
}

TEST(AlignedFields, AlignValues) {
    EXPECT_EQ(aligned_fields({{"a", "1"}, {"long name", "2"}}, {}),
              "  a          1\n  long name  2\n");
}

TEST(AlignedFields, GoOnBelowOnATerminal) {
    EXPECT_EQ(aligned_fields({{"a", "one two three"}, {"b", "0123456789abcdef"}}, terminal(15)),
              "  a  one two\n     three\n  b  0123456789\n     abcdef\n");
}

}  // namespace
}  // namespace dbbackup
