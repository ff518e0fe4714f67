#include "connector/postgres/roles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dbbackup::postgres {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kGlobals = R"(--
-- PostgreSQL database cluster dump
--

\restrict dbbackup

SET default_transaction_read_only = off;

--
-- Roles
--

CREATE ROLE admin;
ALTER ROLE admin WITH SUPERUSER PASSWORD 'SCRAM-SHA-256$4096:a;b''c';
CREATE ROLE bob;
ALTER ROLE bob WITH NOSUPERUSER;
COMMENT ON ROLE bob IS 'has a ; and a line
of its own';
CREATE ROLE "we""ird; role";
ALTER ROLE "we""ird; role" SET search_path TO 'a', 'b';
ALTER ROLE bob SET work_mem TO E'it\'s;';

GRANT bob TO "we""ird; role" WITH INHERIT TRUE GRANTED BY admin;
GRANT admin TO carol GRANTED BY admin;
GRANT SET ON PARAMETER work_mem TO bob;
\unrestrict dbbackup
)";

TEST(Statements, AreCutOutsideOfQuotes) {
    EXPECT_THAT(statements_of("SELECT 1;-- no ; here\n\\connect x;y\n SELECT ';', \"a;\"\"b\";"),
                ElementsAre("SELECT 1;", "SELECT ';', \"a;\"\"b\";"));
    EXPECT_THAT(statements_of(""), IsEmpty());
    EXPECT_THAT(statements_of("SELECT 'open"), IsEmpty());
    EXPECT_EQ(statements_of(kGlobals).size(), 12U);
}

TEST(Statements, OfChosenRolesTouchNoOther) {
    EXPECT_THAT(
        statements_for(kGlobals, {"bob"}),
        ElementsAre("CREATE ROLE bob;", "ALTER ROLE bob WITH NOSUPERUSER;",
                    "COMMENT ON ROLE bob IS 'has a ; and a line\nof its own';",
                    "ALTER ROLE bob SET work_mem TO E'it\\'s;';",
                    "GRANT bob TO \"we\"\"ird; role\" WITH INHERIT TRUE GRANTED BY admin;"));
    EXPECT_THAT(
        statements_for(kGlobals, {"we\"ird; role"}),
        ElementsAre("CREATE ROLE \"we\"\"ird; role\";",
                    "ALTER ROLE \"we\"\"ird; role\" SET search_path TO 'a', 'b';",
                    "GRANT bob TO \"we\"\"ird; role\" WITH INHERIT TRUE GRANTED BY admin;"));
    EXPECT_THAT(statements_for(kGlobals, {"nobody"}), IsEmpty());
}

}  // namespace
}  // namespace dbbackup::postgres
