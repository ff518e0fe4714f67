#include "connector/postgres/tools.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace dbbackup::postgres {
namespace {

namespace fs = std::filesystem;

/// Folders of programs that tell a version and count how often they are asked.
class PostgresTools : public testing::Test {
protected:
    PostgresTools() {
        std::string pattern = (fs::temp_directory_path() / "tools_XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        if (const char* const path = std::getenv("PATH")) {  // NOLINT(concurrency-mt-unsafe)
            path_ = path;
        }
    }
    ~PostgresTools() override {
        ::setenv("PATH", path_.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread.
        fs::remove_all(folder_);
    }

    void add(const std::string& folder, const std::string& name, const std::string& version) {
        fs::create_directories(folder_ / folder);
        const fs::path program = folder_ / folder / name;
        std::ofstream(program) << fmt::format("#!/bin/sh\necho {}/{} >>{}\necho '{} {}'\n", folder,
                                              name, asked().string(), name, version);
        fs::permissions(program, fs::perms::owner_all);
    }
    void set_path(const std::vector<std::string>& folders) {
        std::string path;
        for (const std::string& folder : folders) {
            path += (folder_ / folder).string() + ':';
        }
        ::setenv("PATH", (path + path_).c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread.
    }
    [[nodiscard]] fs::path asked() const { return folder_ / "asked"; }
    [[nodiscard]] std::string who_was_asked() const {
        std::ifstream file(asked());
        std::string all;
        for (std::string line; std::getline(file, line);) {
            all += line + ' ';
        }
        return all;
    }

    fs::path folder_;
    std::string path_;
};

TEST_F(PostgresTools, NobodyIsAskedAfterTheServersOwnMajor) {
    add("a", "pg_dump", "(PostgreSQL) 92.1");
    add("b", "pg_dump", "(PostgreSQL) 91.4 (Debian 91.4-1)");
    add("c", "pg_dump", "(PostgreSQL) 91.5");
    set_path({"a", "b", "c"});
    const Tool tool = tool_for("pg_dump", 91, {});
    EXPECT_EQ(tool.path, folder_ / "b" / "pg_dump");
    EXPECT_EQ(tool.major, 91);
    EXPECT_EQ(tool.minor, 4);
    EXPECT_EQ(who_was_asked(), "a/pg_dump b/pg_dump ");
}

TEST_F(PostgresTools, ElseTheNextLaterMajorIsTaken) {
    add("a", "pg_dump", "(PostgreSQL) 95.1");
    add("b", "pg_dump", "(PostgreSQL) 93.1");
    add("c", "pg_dump", "(PostgreSQL) 90.1");
    set_path({"a", "b", "c"});
    EXPECT_EQ(tool_for("pg_dump", 91, {}).path, folder_ / "b" / "pg_dump");
    try {
        static_cast<void>(tool_for("pg_dump", 96, {}));
        ADD_FAILURE() << "there is none";
    } catch (const SourceError& error) {
        EXPECT_EQ(error.code(), "tool_missing");
        EXPECT_NE(std::string(error.what()).find("is of version 95"), std::string::npos);
    }
}

TEST_F(PostgresTools, WhatLiesBesideIsTakenUnasked) {
    for (const char* const name : {"pg_dump", "pg_dumpall", "pg_restore"}) {
        add("a", name, "(PostgreSQL) 91.4");
    }
    set_path({"a"});
    ToolFinder tools;
    EXPECT_EQ(tools.find("pg_dump", 91, {}).path, folder_ / "a" / "pg_dump");
    const Tool beside = tools.find("pg_dumpall", 91, {});
    EXPECT_EQ(beside.path, folder_ / "a" / "pg_dumpall");
    EXPECT_EQ(beside.minor, 4);
    EXPECT_EQ(tools.find("pg_restore", 91, {}).path, folder_ / "a" / "pg_restore");
    EXPECT_EQ(tools.find("pg_dump", 91, {}).path, folder_ / "a" / "pg_dump");
    EXPECT_EQ(who_was_asked(), "a/pg_dump ");
}

/// Links side by side may lead to programs of several versions.
TEST_F(PostgresTools, WhatALinkLeadsElsewhereToIsAsked) {
    add("91", "pg_dump", "(PostgreSQL) 91.4");
    add("92", "psql", "(PostgreSQL) 92.2");
    add("b", "psql", "(PostgreSQL) 91.3");
    fs::create_directories(folder_ / "links");
    fs::create_symlink(folder_ / "91" / "pg_dump", folder_ / "links" / "pg_dump");
    fs::create_symlink(folder_ / "92" / "psql", folder_ / "links" / "psql");
    set_path({"links", "b"});
    ToolFinder tools;
    EXPECT_EQ(tools.find("pg_dump", 91, {}).path, folder_ / "links" / "pg_dump");
    EXPECT_EQ(tools.find("psql", 91, {}).path, folder_ / "b" / "psql");
    EXPECT_THROW(static_cast<void>(tools.find("pg_dump_of_none", 91, {})), SourceError);
}

TEST(PostgresToolVersions, AreRead) {
    const auto version = [](std::string_view text) {
        const Tool tool = tool_of("pg_dump", text);
        return std::pair(tool.major, tool.minor);
    };
    EXPECT_EQ(version("pg_dump (PostgreSQL) 17.11 (Debian 17.11-0+deb13u1)"), std::pair(17, 11));
    EXPECT_EQ(version("pg_dump (PostgreSQL) 18beta1\n"), std::pair(18, 0));
    EXPECT_EQ(version("pg_dump (PostgreSQL) 9.6.24"), std::pair(9, 6));
    EXPECT_EQ(version("something else"), std::pair(0, 0));
    EXPECT_EQ(version(""), std::pair(0, 0));
}

TEST(PostgresToolVersions, TellWhetherTheKeyOfAScriptCanBeGiven) {
    const auto takes = [](int major, int minor) {
        return takes_restrict_key({"pg_dumpall", major, minor});
    };
    EXPECT_TRUE(takes(18, 0));
    EXPECT_TRUE(takes(19, 0));
    EXPECT_TRUE(takes(17, 6));
    EXPECT_TRUE(takes(17, 11));
    EXPECT_TRUE(takes(13, 22));
    EXPECT_FALSE(takes(17, 5));
    EXPECT_FALSE(takes(16, 9));
    EXPECT_FALSE(takes(15, 13));
    EXPECT_FALSE(takes(14, 18));
    EXPECT_FALSE(takes(13, 21));
    EXPECT_FALSE(takes(12, 22));
}

}  // namespace
}  // namespace dbbackup::postgres
