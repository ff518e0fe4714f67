#pragma once

/// @file
/// A backup to restore, and what a restore ends with.

#include "connector/sqlite/sqlite_connector.hpp"
#include "crypto/fingerprint.hpp"
#include "sample_database.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace dbbackup::sqlite {

/// A source of 600 accounts that was backed up, and a folder to restore into.
class RestoreTest : public testing::Test {
protected:
    RestoreTest() : fingerprinter_(Bytes(32, 0x11)), source_(folder_ / "source.db") {
        TestDatabase database(source_);
        make_accounts(database, 600);
    }

    /// Takes the source as it is now.
    MemoryReader& stored() {
        taken_ = take(*make_sqlite_connector(source_at(source_)));
        reader_ = std::make_unique<MemoryReader>(*taken_, fingerprinter_);
        return *reader_;
    }
    [[nodiscard]] RestoreRequest request(const std::filesystem::path& target,
                                         Overwrite overwrite = Overwrite::no) const {
        RestoreRequest request;
        request.target = target.native();
        request.overwrite = overwrite;
        request.verify = true;
        request.source_identity = taken_ ? taken_->end.position.source_id : "";
        return request;
    }
    std::unique_ptr<RestoreSession> begin(const RestoreRequest& request) {
        if (!reader_) {
            stored();
        }
        SourceOptions options;
        options.lock_timeout = std::chrono::milliseconds(50);
        return make_sqlite_connector(std::move(options))->restore(request, {reader_->stream()}, {});
    }
    RestoreReport restore(const RestoreRequest& request) {
        const auto session = begin(request);
        session->apply(*reader_, {});
        return session->finish(fingerprinter_, {});
    }
    /// The code of the error that restoring ends with; "" if it succeeds.
    std::string code_of(const RestoreRequest& request, ExitCode* exit_code = nullptr) {
        try {
            static_cast<void>(restore(request));
        } catch (const Error& error) {
            if (exit_code != nullptr) {
                *exit_code = error.exit_code();
            }
            return error.code();
        }
        return "";
    }
    /// What a refused target must end with: exit code 2, before anything is written.
    void expect_refused(const RestoreRequest& request, const std::string& code) {
        const auto before = folder_.names();
        try {
            static_cast<void>(begin(request));
            ADD_FAILURE() << request.target << " was accepted";
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), code) << error.what();
            EXPECT_EQ(error.exit_code(), ExitCode::usage);
            EXPECT_FALSE(error.hint().empty());
        }
        EXPECT_EQ(folder_.names(), before);
    }

    TestFolder folder_;
    Fingerprinter fingerprinter_;
    std::filesystem::path source_;
    std::optional<Taken> taken_;
    std::unique_ptr<MemoryReader> reader_;
};

}  // namespace dbbackup::sqlite
