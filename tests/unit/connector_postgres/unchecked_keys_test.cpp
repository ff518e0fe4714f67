#include "connector/postgres/unchecked_keys.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace dbbackup::postgres {
namespace {

TEST(UncheckedKeys, AreTakenOutWithTheirCommentsOnly) {
    const Toc toc({
        {1, "TABLE", "public", "orders", "", "", "", {}},
        {2, "TABLE", "public", "customers", "", "", "", {}},
        {3, "FK CONSTRAINT", "public", "orders of_customer", "", "", "", {1, 2}},
        {4, "COMMENT", "public", "CONSTRAINT of_customer ON orders", "", "", "", {3}},
        {5, "FK CONSTRAINT", "other", "orders of_customer", "", "", "", {2}},
        {6, "COMMENT", "public", "TABLE orders", "", "", "", {1}},
    });
    ForeignKey key;
    key.schema = "public";
    key.table = "orders";
    key.name = "of_customer";
    ForeignKey unknown = key;
    unknown.table = "customers";

    std::vector<int> ids = {1, 2, 6, 3, 4, 5};
    const std::vector<ForeignKey> taken = take_out(toc, ids, {unknown, key});
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken.front().table, "orders");
    EXPECT_EQ(ids, (std::vector<int>{1, 2, 6, 5}));
}

}  // namespace
}  // namespace dbbackup::postgres
