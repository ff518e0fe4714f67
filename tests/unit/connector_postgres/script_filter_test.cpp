#include "connector/postgres/script_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace dbbackup::postgres {
namespace {

constexpr std::string_view kHead =
    "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n"
    "SET transaction_timeout = 0;\nSET row_security = off;\n\n--\n-- Name: f; Type: FUNCTION\n";
constexpr std::string_view kBody = "BEGIN\nSET transaction_timeout = 0;\nEND\n";

std::string filtered(std::string_view script, std::size_t portion, bool is_for_older) {
    std::string result;
    ScriptFilter filter(is_for_older, [&result](BytesView part) { result += as_text(part); });
    for (; !script.empty(); script.remove_prefix(std::min(portion, script.size()))) {
        filter.take(as_bytes(script.substr(0, portion)));
    }
    filter.finish();
    return result;
}

TEST(ScriptFilter, TakesOnlyTheSettingInTheHeadOut) {
    const std::string head(kHead);
    const std::string without = std::string(head).erase(head.find("SET transaction_timeout"), 29);
    for (const std::size_t more : {0U, 10'000U}) {
        const std::string body = std::string(kBody) + std::string(more, 'x');
        for (const std::size_t portion : {1U, 7U, 100'000U}) {
            EXPECT_EQ(filtered(head + body, portion, true), without + body) << portion;
            EXPECT_EQ(filtered(head + body, portion, false), head + body);
        }
    }
}

TEST(ScriptFilter, LeavesAloneWhatHasNoSuchSetting) {
    EXPECT_EQ(filtered("SELECT 1;\n", 5, true), "SELECT 1;\n");
    EXPECT_EQ(filtered("", 5, true), "");
}

}  // namespace
}  // namespace dbbackup::postgres
