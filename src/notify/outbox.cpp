#include "notify/outbox.hpp"

#include "schedule/state_file.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr int kVersion = 1;

// `next` is when it may be told; nothing for what was told or given up.
constexpr const char* kTables = R"(
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver TEXT NOT NULL, topic TEXT NOT NULL, notice TEXT NOT NULL,
    made INTEGER NOT NULL, next INTEGER, tries INTEGER NOT NULL,
    error TEXT NOT NULL, unsaid INTEGER NOT NULL
);
CREATE INDEX to_tell ON messages (next) WHERE next IS NOT NULL;
CREATE INDEX of_topic ON messages (receiver, topic, made))";

std::int64_t number(sys_seconds time) { return time.time_since_epoch().count(); }

}  // namespace

Outbox::Outbox(OwnDatabase& database) : database_(database) {
    OwnTransaction transaction(database_);
    if (needs_tables(database_, "outbox", kVersion)) {
        database_.execute(kTables);
    }
    transaction.commit();
}

bool Outbox::put(const std::string& receiver, const Notice& notice, seconds quiet) {
    const std::string topic = topic_of(notice);
    OwnStatement last = database_.prepare(
        "SELECT id, made, unsaid FROM messages WHERE receiver = ? AND topic = ? "
        "ORDER BY made DESC, id DESC LIMIT 1");
    last.bind(0, receiver).bind(1, topic);
    const bool has_last = last.step() && !notice.is_start;
    // A clock that was set back keeps nobody quiet for long.
    const std::int64_t ago = has_last ? number(notice.time) - last.integer(1) : 0;
    if (has_last && ago >= 0 && ago < quiet.count()) {
        OwnStatement count =
            database_.prepare("UPDATE messages SET unsaid = unsaid + 1 WHERE id = ?");
        count.bind(0, last.integer(0));
        count.run();
        return false;
    }
    Notice told = notice;
    if (has_last && last.integer(2) > 0) {
        told.facts.emplace_back("Not told since", fmt::format("{} of the same", last.integer(2)));
    }
    OwnStatement row = database_.prepare(
        "INSERT INTO messages (receiver, topic, notice, made, next, tries, error, unsaid) "
        "VALUES (?, ?, ?, ?, ?, 0, '', 0)");
    const std::string text = to_json(told);
    row.bind(0, receiver).bind(1, topic).bind(2, text);
    row.bind(3, number(notice.time)).bind(4, number(notice.time));
    row.run();
    return true;
}

std::optional<OutboxMessage> Outbox::take(sys_seconds now, sys_seconds until) {
    OwnTransaction transaction(database_);
    std::optional<OutboxMessage> message;
    while (!message) {
        OwnStatement row = database_.prepare(
            "SELECT id, receiver, notice, tries FROM messages WHERE next <= ? ORDER BY id LIMIT 1");
        row.bind(0, number(now));
        if (!row.step()) {
            break;
        }
        OutboxMessage found;
        found.id = row.integer(0);
        found.receiver = row.text(1);
        found.tries = static_cast<unsigned>(row.integer(3));
        const std::string notice = row.text(2);
        row.reset();
        try {
            found.notice = notice_from_json(notice);
        } catch (const Error& error) {
            give_up(found, error.what());  // It would hold up all others.
            continue;
        }
        OwnStatement claim =
            database_.prepare("UPDATE messages SET next = ?, tries = tries + 1 WHERE id = ?");
        claim.bind(0, number(until)).bind(1, found.id).run();
        message = std::move(found);
    }
    transaction.commit();
    return message;
}

void Outbox::told(const OutboxMessage& message) {
    OwnStatement row =
        database_.prepare("UPDATE messages SET next = NULL, error = '' WHERE id = ?");
    row.bind(0, message.id).run();
}

void Outbox::postpone(const OutboxMessage& message, sys_seconds next, const std::string& error) {
    OwnStatement row = database_.prepare("UPDATE messages SET next = ?, error = ? WHERE id = ?");
    row.bind(0, number(next)).bind(1, error).bind(2, message.id).run();
}

void Outbox::give_up(const OutboxMessage& message, const std::string& error) {
    OwnStatement row = database_.prepare("UPDATE messages SET next = NULL, error = ? WHERE id = ?");
    row.bind(0, error).bind(1, message.id).run();
}

std::optional<sys_seconds> Outbox::next_time() {
    const std::int64_t next =
        database_.integer("SELECT ifnull(min(next), -1) FROM messages WHERE next IS NOT NULL");
    return next < 0 ? std::nullopt : std::optional(sys_seconds(seconds(next)));
}

void Outbox::trim(sys_seconds time) {
    OwnStatement row = database_.prepare("DELETE FROM messages WHERE next IS NULL AND made < ?");
    row.bind(0, number(time)).run();
}

}  // namespace dbbackup
