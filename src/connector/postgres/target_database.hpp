#pragma once

/// @file
/// The database that a restore makes, beside the one whose name it will get.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/connection_info.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

enum class TargetState : std::uint8_t { missing, empty, filled };

/// Of a database that is being made; tells such from others, beside its name.
inline constexpr std::string_view kRestoringComment = "db-backup is restoring this database";

/// The destructor drops what was made, unless it got its name.
class TargetDatabase {
public:
    /// Looks; makes nothing.
    /// @param name The name that it will get.
    /// @throws SourceError.
    TargetDatabase(const ConnectionInfo& server, std::string name, std::stop_token stop);
    ~TargetDatabase();
    TargetDatabase(const TargetDatabase&) = delete;
    TargetDatabase& operator=(const TargetDatabase&) = delete;

    [[nodiscard]] TargetState state() const { return state_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] int server_major() const { return server_->server_major(); }
    /// Whether the role may make a database, and give it the name of one that is there: not from
    /// within that one.
    [[nodiscard]] bool may_create() const { return may_create_ && server_->database() != name_; }
    /// Why not, as the first part of a sentence.
    [[nodiscard]] const char* why_not_create() const {
        return may_create_ ? "neither postgres nor template1 lets the role in"
                           : "the role may not create databases";
    }
    /// Whether the role may have everything put into the database that is there and empty, since it
    /// may make none.
    [[nodiscard]] bool is_filled_in_place() const {
        return state_ == TargetState::empty && !may_create();
    }
    [[nodiscard]] Connection& server() { return *server_; }

    /// Drops what restores into this name left that were killed, and makes the database under its
    /// passing name.
    /// @param jobs How many sessions will build indexes at once.
    void create(const DatabaseProperties& properties, unsigned jobs, const std::stop_token& stop);
    /// How the database that is being made is reached.
    [[nodiscard]] ConnectionInfo info() const { return info_.with_database(made_); }
    /// Others may have filled meanwhile what was empty: that is not dropped then.
    /// @throws ConfigError (target_not_empty) where they have.
    void keep_what_is_filled(const std::stop_token& stop);
    /// Gives it what belongs to it as a whole, and its name; what had that name is dropped.
    /// @return what could not be done beside that, as sentences.
    [[nodiscard]] std::vector<std::string> publish(const DatabaseProperties& properties,
                                                   bool keeps_owners, bool keeps_privileges,
                                                   const std::stop_token& stop);

private:
    void look(std::stop_token stop);
    [[nodiscard]] bool is_empty_inside(const std::string& name, const std::stop_token& stop) const;
    void drop_leftovers(const std::stop_token& stop);
    /// For all sessions in the database that is made, until it gets its name.
    void set_for_loading(unsigned jobs);
    /// `rename` waits until nobody is in it; those who came while it began are ended.
    /// @param other Not in it.
    void rename_and_end_sessions(const std::string& rename, const std::string& oid,
                                 Connection& other);
    /// Changes the names, when nobody is in the database that is there. @return its name now.
    [[nodiscard]] std::string take_name(const std::string& comment, const std::stop_token& stop);

    ConnectionInfo info_;
    std::string name_;
    std::string made_;  ///< "" while there is none.
    TargetState state_ = TargetState::missing;
    bool may_create_ = false;
    bool keeps_filled_ = false;
    std::unique_ptr<Connection> server_;
};

}  // namespace dbbackup::postgres
