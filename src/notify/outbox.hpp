#pragma once

/// @file
/// What is still to be told, in the state file: it outlives every process.

#include "notify/notice.hpp"
#include "sys/own_database.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// One notice for one receiver.
struct OutboxMessage {
    std::int64_t id = 0;
    std::string receiver;  ///< A name of `notifications`.
    Notice notice;
    unsigned tries = 0;
};

/// One thread at a time; other processes may use it at the same time. Throws OwnDatabaseError.
class Outbox {
public:
    /// Makes its tables where there are none. @param database Borrowed.
    explicit Outbox(OwnDatabase& database);

    /// Keeps a notice for a receiver, in the caller's transaction if there is one.
    /// @param quiet The same topic is not told again within this time: it is only counted, and
    /// the next that is told says how many were not.
    /// @return whether it will be told.
    bool put(const std::string& receiver, const Notice& notice, std::chrono::seconds quiet);

    /// Takes the next message that may be told now, which nobody else gets until `until`.
    [[nodiscard]] std::optional<OutboxMessage> take(std::chrono::sys_seconds now,
                                                    std::chrono::sys_seconds until);
    void told(const OutboxMessage& message);
    /// It is tried again from `next` on.
    void postpone(const OutboxMessage& message, std::chrono::sys_seconds next,
                  const std::string& error);
    /// It will not be told. It stays, for people, until it is trimmed.
    void give_up(const OutboxMessage& message, const std::string& error);

    /// When the next may be told; nothing when all are.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> next_time();
    /// Forgets what was told or given up before `time`.
    void trim(std::chrono::sys_seconds time);

private:
    OwnDatabase& database_;
};

}  // namespace dbbackup
