#include "connector/postgres/schema_definition.hpp"

#include "base/error.hpp"
#include "connector/postgres/unchecked_keys.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup::postgres {
namespace {

TEST(SchemaDefinition, SurvivesAsText) {
    SchemaDefinition definition;
    definition.database.name = "sh\"op";
    definition.database.settings = {"\twork_mem\t8MB"};
    definition.filled_views = {"public.v"};
    definition.requirements.roles = {"owner"};
    definition.left_out = {{"audit", "log"}};
    ForeignKey key;
    key.oid = 4'000'000'000;
    key.name = "fk";
    key.is_of_partitioned = true;
    definition.unchecked_keys = {key};
    const SchemaDefinition again = SchemaDefinition::parse(definition.json());
    EXPECT_EQ(again.database.name, definition.database.name);
    EXPECT_EQ(again.database.settings, definition.database.settings);
    EXPECT_EQ(again.filled_views, definition.filled_views);
    EXPECT_EQ(again.requirements.roles, definition.requirements.roles);
    ASSERT_EQ(again.left_out.size(), 1U);
    EXPECT_EQ(again.left_out[0].schema, "audit");
    EXPECT_EQ(again.left_out[0].name, "log");
    ASSERT_EQ(again.unchecked_keys.size(), 1U);
    EXPECT_EQ(again.unchecked_keys[0].oid, key.oid);
    EXPECT_TRUE(again.unchecked_keys[0].is_of_partitioned);
}

TEST(SchemaDefinition, AnythingElseIsDamage) {
    for (const char* const text : {"", "{}", "[]", "{\"database\": 1}", "nonsense"}) {
        EXPECT_THROW(static_cast<void>(SchemaDefinition::parse(text)), CorruptionError) << text;
    }
}

TEST(ForeignKeys, AreFoundInTheListOfAnArchive) {
    ForeignKey key;
    key.oid = 16412;
    key.schema = "public";
    key.table = "Orders";
    key.name = "orders_fk";
    key.comment = "why";
    const std::string list =
        ";\n; Selected TOC Entries:\n;\n"
        "3456; 2606 16412 FK CONSTRAINT public Orders orders_fk admin\n"
        "3457; 2606 164120 FK CONSTRAINT public Orders other_fk admin\n"
        "3458; 2606 16413 CONSTRAINT public Orders orders_pkey admin\n"
        "3459; 0 0 COMMENT public CONSTRAINT orders_fk ON \"Orders\" admin\n"
        "3460; 0 0 COMMENT public CONSTRAINT other_fk ON \"Orders\" admin";
    EXPECT_EQ(list_without(list, {key}),
              ";\n; Selected TOC Entries:\n;\n"
              "3457; 2606 164120 FK CONSTRAINT public Orders other_fk admin\n"
              "3458; 2606 16413 CONSTRAINT public Orders orders_pkey admin\n"
              "3460; 0 0 COMMENT public CONSTRAINT other_fk ON \"Orders\" admin");
    EXPECT_EQ(list_without(list, {}), list);
    EXPECT_EQ(list_without("", {key}), "");
}

}  // namespace
}  // namespace dbbackup::postgres
