#include "notices.hpp"
#include "notify/mail_text.hpp"
#include "notify/slack_notifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace dbbackup {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SlackMessage, IsBlockKit) {
    const nlohmann::json message = nlohmann::json::parse(slack_message(failed_notice()));
    EXPECT_EQ(message["text"], "Backup of shop failed");
    ASSERT_GE(message["blocks"].size(), 5U);
    EXPECT_EQ(message["blocks"][0]["type"], "header");
    EXPECT_EQ(message["blocks"][0]["text"]["text"], ":rotating_light: Backup of shop failed");
    EXPECT_THAT(message["blocks"][1]["text"]["text"].get<std::string>(),
                HasSubstr("password authentication failed"));
    EXPECT_THAT(message.dump(), HasSubstr("db-backup backup --source shop"));
}

TEST(SlackMessage, KeepsToItsLimits) {
    Notice notice = failed_notice();
    notice.title = std::string(500, 't');
    for (int each = 0; each < 5000; ++each) {
        notice.problem += "ü```<&>";
        notice.hint += "hint ";
        notice.facts.emplace_back(std::to_string(each), std::string(3000, 'f'));
    }
    const nlohmann::json message = nlohmann::json::parse(slack_message(notice));
    EXPECT_LE(message["blocks"][0]["text"]["text"].get<std::string>().size(), 150U);
    for (const nlohmann::json& block : message["blocks"]) {
        if (block.contains("text")) {
            EXPECT_LE(block["text"]["text"].get<std::string>().size(), 3000U);
        }
        if (block.contains("fields")) {
            EXPECT_LE(block["fields"].size(), 10U);
            for (const nlohmann::json& field : block["fields"]) {
                EXPECT_LE(field["text"].get<std::string>().size(), 2000U);
            }
        }
    }
    const std::string code = message["blocks"][1]["text"]["text"];
    EXPECT_EQ(code.find("```", 3), code.size() - 3);
}

TEST(SlackMessage, TakesBytesThatAreNoText) {
    Notice notice = failed_notice();
    notice.problem = "\xff\xfe broken";
    EXPECT_TRUE(nlohmann::json::accept(slack_message(notice)));
    EXPECT_NO_THROW(static_cast<void>(notice_from_json(to_json(notice))));
}

TEST(MailText, HasAllThatIsNeeded) {
    for (const std::string& text : {mail_text(failed_notice()), mail_html(failed_notice())}) {
        for (const char* const part :
             {"Backup of shop failed", "password authentication failed", "Since",
              "2026-11-26 02:00 UTC", "See whether the role may log in.",
              "db-backup backup --source shop", "db1", "2026-11-27 03:00:00 UTC"}) {
            EXPECT_THAT(text, HasSubstr(part));
        }
    }
}

TEST(MailText, NothingOfANoticeIsHtml) {
    Notice notice = failed_notice();
    notice.title = notice.problem = notice.hint = notice.command = "<img src=x onerror=\"&\">";
    EXPECT_THAT(mail_html(notice), Not(HasSubstr("<img")));
}

TEST(MailMessage, NobodyAddsHeaders) {
    Notice notice = failed_notice();
    notice.title = "x\r\nBcc: everybody@example.com";
    const std::string message =
        mail_message(notice, "a@b.example\nBcc: z@z", {"c@d.example\r\nBcc: y@y"});
    const std::string headers = message.substr(0, message.find("\r\n\r\n"));
    EXPECT_THAT(headers, Not(HasSubstr("\nBcc:")));
}

TEST(MailMessage, HasHeadersThatMailNeeds) {
    Notice notice = failed_notice();
    notice.title =
        "Sicherung von Bücher fehlgeschlagen, und das schon zum dritten Mal hintereinander";
    const std::string message =
        mail_message(notice, "Backups <db-backup@example.com>", {"a@x.example", "B <b@x.example>"});
    EXPECT_THAT(message, HasSubstr("Date: Fri, 27 Nov 2026 03:00:00 +0000\r\n"));
    EXPECT_THAT(message, HasSubstr("From: Backups <db-backup@example.com>\r\n"));
    EXPECT_THAT(message, HasSubstr("To: a@x.example, B <b@x.example>\r\n"));
    EXPECT_THAT(message, HasSubstr("Subject: =?UTF-8?B?"));
    EXPECT_THAT(message, HasSubstr("Message-ID: <0123456789abcdef@example.com>\r\n"));
    for (std::size_t begin = 0; begin < message.size();) {
        const std::size_t end = message.find("\r\n", begin);
        ASSERT_NE(end, std::string::npos);
        EXPECT_LE(end - begin, 200U);
        begin = end + 2;
    }
}

TEST(MailMessage, KnowsAddresses) {
    EXPECT_EQ(address_of("a@b.example"), "a@b.example");
    EXPECT_EQ(address_of("A B <a@b.example>"), "a@b.example");
}

}  // namespace
}  // namespace dbbackup
