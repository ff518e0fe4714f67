#include "connector/postgres/early_indexes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

TocEntry entry(int id, const char* kind, const char* name, std::string sql,
               std::vector<int> needs) {
    TocEntry made;
    made.id = id;
    made.kind = kind;
    made.schema = "public";
    made.name = name;
    made.definition = std::move(sql);
    made.needs = std::move(needs);
    return made;
}

TEST(EarlyIndexesTest, OnlyOfColumnsOfTablesInTheirPlace) {
    TocEntry elsewhere = entry(17, "INDEX", "elsewhere", "CREATE INDEX elsewhere ON t (b);", {1});
    elsewhere.tablespace = "fast";
    const Toc toc({
        entry(1, "TABLE", "t", "CREATE TABLE t (a int, b int);", {}),
        entry(2, "MATERIALIZED VIEW", "v", "CREATE MATERIALIZED VIEW v AS SELECT 1;", {}),
        entry(10, "INDEX", "plain", "CREATE INDEX plain ON t USING btree (a, b DESC);", {1}),
        entry(11, "CONSTRAINT", "t t_pkey",
              "ALTER TABLE ONLY t ADD CONSTRAINT t_pkey PRIMARY KEY (a);", {1}),
        entry(12, "INDEX", "looks", "CREATE INDEX looks ON t USING btree (public.looked_up(a));",
              {1}),
        entry(13, "INDEX", "some", "CREATE INDEX some ON t USING btree (a) WHERE (b > 0);", {1}),
        entry(14, "INDEX", "seen", "CREATE INDEX seen ON v USING btree (a);", {2}),
        entry(15, "FK CONSTRAINT", "t t_fkey", "ALTER TABLE t ADD FOREIGN KEY b REFERENCES t;",
              {1}),
        entry(16, "INDEX", "unwanted", "CREATE INDEX unwanted ON t USING btree (b);", {1}),
        elsewhere,
    });
    EXPECT_EQ(early_among(toc, std::vector{10, 11, 12, 13, 14, 15, 17, 99}), (std::vector{10, 11}));
}

}  // namespace
}  // namespace dbbackup::postgres
