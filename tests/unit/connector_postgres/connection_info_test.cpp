#include "connector/postgres/connection_info.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup::postgres {
namespace {

std::string password_of(const ConnectionInfo& info) {
    return std::string(as_text(info.password().bytes()));
}

TEST(ConnectionInfo, TakesUrisAndKeywords) {
    const ConnectionInfo uri("postgresql://me@db1.example:6543/shop?sslmode=require", {});
    EXPECT_EQ(uri.value("host"), "db1.example");
    EXPECT_EQ(uri.value("port"), "6543");
    EXPECT_EQ(uri.value("dbname"), "shop");
    EXPECT_EQ(uri.value("sslmode"), "require");
    const ConnectionInfo keywords("host=/run/postgresql dbname='my shop'", {});
    EXPECT_EQ(keywords.value("host"), "/run/postgresql");
    EXPECT_EQ(keywords.value("dbname"), "my shop");
    EXPECT_EQ(keywords.value("user"), "");
}

TEST(ConnectionInfo, KeepsThePasswordApart) {
    const ConnectionInfo info("postgresql://me:s%20ecret@localhost/shop", {});
    EXPECT_EQ(password_of(info), "s ecret");
    EXPECT_EQ(info.value("password"), "");
    EXPECT_EQ(info.text().find("ecret"), std::string::npos);
    const ConnectionInfo both("postgresql://me:one@localhost/shop", Secret("two"));
    EXPECT_EQ(password_of(both), "two");
    EXPECT_EQ(password_of(both.clone()), "two");
    EXPECT_EQ(password_of(both.with_database("other")), "two");
}

TEST(ConnectionInfo, ItsTextMeansTheSame) {
    const ConnectionInfo info("host='it\\'s' user='back\\\\slash' dbname='a b'", {});
    const ConnectionInfo again(info.with_database("sh'op").text(), {});
    EXPECT_EQ(again.value("user"), info.value("user"));
    EXPECT_EQ(again.value("dbname"), "sh'op");
}

TEST(ConnectionInfo, RefusesWhatLibpqDoesNotTakeWithoutQuotingIt) {
    for (const char* const text : {"postgresql://me:secret@[::1/shop", "password=secret nonsense",
                                   "postgresql://me:secret@h/db?nonsense=1"}) {
        try {
            const ConnectionInfo info(text, {});
            FAIL() << text;
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), "bad_source_uri");
            EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace dbbackup::postgres
