#include "engine/database_choice.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

std::vector<StoredStream> streams_named(const std::vector<std::string>& names) {
    std::vector<StoredStream> streams;
    for (const std::string& name : names) {
        streams.emplace_back().name = name;
    }
    return streams;
}

const std::vector<std::string> kNames = {"cart.db", "shop.db", "users"};

std::set<std::string> choose(const std::vector<std::string>& include,
                             const std::vector<std::string>& exclude) {
    return choose_databases(DatabaseType::sqlite, streams_named(kNames), include, exclude);
}

std::string refusal(const std::vector<std::string>& names, const std::vector<std::string>& include,
                    const std::vector<std::string>& exclude = {}) {
    try {
        static_cast<void>(
            choose_databases(DatabaseType::sqlite, streams_named(names), include, exclude));
    } catch (const ConfigError& error) {
        return error.code();
    }
    return "";
}

TEST(DatabaseChoice, TellsOneDatabaseFromSeveral) {
    EXPECT_FALSE(are_several_databases(DatabaseType::sqlite, streams_named({"main"})));
    EXPECT_TRUE(are_several_databases(DatabaseType::sqlite, streams_named({"a.db"})));
    EXPECT_TRUE(are_several_databases(DatabaseType::sqlite, streams_named({"a.db", "main"})));
    EXPECT_FALSE(are_several_databases(DatabaseType::postgres, streams_named({"a", "b"})));
}

TEST(DatabaseChoice, TakesWholeNames) {
    EXPECT_EQ(choose({"shop.db"}, {}), (std::set<std::string>{"shop.db"}));
    EXPECT_EQ(choose({"*.db"}, {}), (std::set<std::string>{"cart.db", "shop.db"}));
    EXPECT_EQ(choose({}, {"*.db"}), (std::set<std::string>{"users"}));
    EXPECT_EQ(choose({"*"}, {"users"}), (std::set<std::string>{"cart.db", "shop.db"}));
}

TEST(DatabaseChoice, RefusesWhatNamesNothing) {
    EXPECT_EQ(refusal(kNames, {"shop"}), "selection_unknown");
    EXPECT_EQ(refusal(kNames, {"*"}, {"shop.db.orders"}), "selection_unknown");
    EXPECT_EQ(refusal(kNames, {"users"}, {"*"}), "selection_empty");
    EXPECT_EQ(refusal({"main"}, {"main"}), "selection_not_supported");
}

}  // namespace
}  // namespace dbbackup
