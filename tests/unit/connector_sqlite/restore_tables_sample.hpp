#pragma once

/// @file
/// A source to take tables from, and what a table holds, down to row numbers and types.

#include "restore_sample.hpp"

#include <string>
#include <utility>
#include <vector>

namespace dbbackup::sqlite {

/// The source is what `make` leaves behind, instead of the accounts.
class RestoreTablesTest : public RestoreTest {
protected:
    void make(const std::string& sql) {
        std::filesystem::remove(source_);
        TestDatabase database(source_);
        database.run(sql);
        reader_.reset();
    }
    static Selection taking(const std::vector<std::string>& include,
                            const std::vector<std::string>& exclude = {}) {
        Selection selection;
        selection.names = NameSelection::parse(include, exclude);
        return selection;
    }
    [[nodiscard]] RestoreRequest asking(Selection selection, Overwrite overwrite = Overwrite::no) {
        RestoreRequest wanted = request(folder_ / "target.db", overwrite);
        wanted.selection = std::move(selection);
        return wanted;
    }
    RestoreReport restore_tables(const RestoreRequest& wanted) {
        const auto session = begin(wanted);
        session->inspect(*reader_, {});
        session->apply(*reader_, {});
        return session->finish(fingerprinter_, {});
    }
    RestoreReport restore_tables(Selection selection) {
        return restore_tables(asking(std::move(selection)));
    }
    /// The refusal's code and message; "" if there is none.
    std::string refusal(const RestoreRequest& wanted) {
        try {
            static_cast<void>(restore_tables(wanted));
        } catch (const Error& error) {
            EXPECT_FALSE(error.hint().empty() && error.exit_code() == ExitCode::usage)
                << error.what();
            return error.code() + ": " + error.what();
        }
        return "";
    }
    std::string ask_target(const std::string& sql) {
        return TestDatabase(folder_ / "target.db").ask(sql);
    }
    std::string ask_source(const std::string& sql) { return TestDatabase(source_).ask(sql); }
    /// Both sides answer the same, and something.
    void expect_equal(const std::string& sql) {
        const std::string expected = ask_source(sql);
        EXPECT_FALSE(expected.empty()) << sql;
        EXPECT_EQ(ask_target(sql), expected) << sql;
    }
    static std::string joined(const std::vector<std::string>& lines) {
        std::string text;
        for (const std::string& line : lines) {
            text += line + "\n";
        }
        return text;
    }
};

}  // namespace dbbackup::sqlite
