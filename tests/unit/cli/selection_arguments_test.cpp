#include "cli/selection_arguments.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(SelectionArguments, AConditionGoesWithATable) {
    const RowCondition plain = where_argument("orders: customer_id = 7 AND at > '10:00'");
    EXPECT_EQ(plain.table, "orders");
    EXPECT_EQ(plain.condition, "customer_id = 7 AND at > '10:00'");
    const RowCondition odd = where_argument("\"a:\"\"b\" :x");
    EXPECT_EQ(odd.table, "a:\"b");
    EXPECT_EQ(odd.condition, "x");
    for (const char* const text :
         {"", "orders", "orders:", "orders:  ", ": x", "\"a: x", "\"a\"b: x"}) {
        EXPECT_THROW(static_cast<void>(where_argument(text)), ConfigError) << text;
    }
}

TEST(SelectionArguments, ARenameHasTwoNames) {
    const Rename plain = rename_argument("orders=orders_old");
    EXPECT_EQ(plain.from, "orders");
    EXPECT_EQ(plain.to, "orders_old");
    const Rename odd = rename_argument("\"a=b\"=c=d");
    EXPECT_EQ(odd.from, "a=b");
    EXPECT_EQ(odd.to, "c=d");
    for (const char* const text : {"", "orders", "orders=", "=x", "\"a=b"}) {
        EXPECT_THROW(static_cast<void>(rename_argument(text)), ConfigError) << text;
    }
}

}  // namespace
}  // namespace dbbackup
