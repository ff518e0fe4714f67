/// @file
/// What `--verify` promises when it restores over a database: the proof comes before the old
/// content goes, and nobody else's writing is taken for damage.

#include "connector/sqlite/image_file.hpp"
#include "restore_sample.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace dbbackup::sqlite {
namespace {

class RestoreProofTest : public RestoreTest, public testing::WithParamInterface<std::string> {
protected:
    RestoreProofTest() : target_(folder_ / "target.db") {
        TestDatabase database(target_);
        database.run("PRAGMA journal_mode=" + GetParam());
        make_accounts(database, 50);
    }
    void expect_untouched() {
        EXPECT_EQ(TestDatabase(target_).ask("SELECT count(*) FROM account"), "50");
    }
    /// What the error of a restore over the target says.
    std::string message_of(const RestoreRequest& request) {
        try {
            restore(request);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    }
    std::filesystem::path target_;
};

TEST_P(RestoreProofTest, ADamagedDatabaseReplacesNothing) {
    Bytes file = bytes_of(source_);
    std::fill_n(file.begin() + 8 * 4096, 2000,
                std::uint8_t{0xee});  // inside a leaf: not seen cheaply
    write_bytes(source_, file);
    stored();
    ExitCode exit_code{};
    EXPECT_EQ(code_of(request(target_, Overwrite::yes), &exit_code), "source_corrupt");
    EXPECT_EQ(exit_code, ExitCode::source);
    expect_untouched();
    EXPECT_NE(message_of(request(target_, Overwrite::yes)).find("target.db is as it was"),
              std::string::npos);
}

TEST_P(RestoreProofTest, OtherPagesThanThoseOfTheSnapshotReplaceNothing) {
    // In a blob, where integrity_check sees nothing wrong.
    const auto differ = [](MemoryReader& reader) { reader.image()[9 * 4096 + 2000] ^= 1U; };
    differ(stored());
    ExitCode exit_code{};
    EXPECT_NE(code_of(request(target_, Overwrite::yes), &exit_code), "");
    EXPECT_EQ(exit_code, ExitCode::corruption);
    expect_untouched();
    EXPECT_NE(message_of(request(target_, Overwrite::yes)).find("target.db is as it was"),
              std::string::npos);
}

TEST_P(RestoreProofTest, AStopBeforeTheLastStepReplacesNothing) {
    stored();
    for (const bool is_verifying : {false, true}) {
        std::stop_source stop;
        RestoreRequest wanted = request(target_, Overwrite::yes);
        wanted.verify = is_verifying;
        {
            const auto session = begin(wanted);
            session->apply(*reader_, stop.get_token());
            stop.request_stop();
            EXPECT_THROW(static_cast<void>(session->finish(fingerprinter_, stop.get_token())),
                         Cancelled);
        }
        expect_untouched();
    }
}

TEST_P(RestoreProofTest, AnOpenReaderKeepsItsViewOrIsWaitedForInVain) {
    stored();
    TestDatabase reader(target_);
    reader.run("BEGIN");
    ASSERT_EQ(reader.ask("SELECT count(*) FROM account"), "50");
    const bool is_log = GetParam() == "WAL";
    EXPECT_EQ(code_of(request(target_, Overwrite::yes)), is_log ? "" : "target_locked");
    EXPECT_EQ(reader.ask("SELECT count(*) FROM account"), "50");
    reader.run("COMMIT");
    EXPECT_EQ(reader.ask("SELECT count(*) FROM account"), is_log ? "600" : "50");
}

/// Stops as soon as the restored rows can be seen.
class StopOnceRestored {
public:
    StopOnceRestored(const std::filesystem::path& target, std::stop_source stop)
        : watcher_([target, stop](const std::stop_token& ended) mutable {
              TestDatabase database(target);
              while (!ended.stop_requested()) {
                  if (database.ask("SELECT count(*) FROM account") == "600") {
                      stop.request_stop();
                      return;
                  }
              }
          }) {}

private:
    std::jthread watcher_;
};

TEST_P(RestoreProofTest, AStopAfterTheLastStepIsNoFailure) {
    stored();
    std::stop_source stop;
    SourceOptions options;
    options.lock_timeout = std::chrono::seconds(20);
    const auto session =
        make_sqlite_connector(std::move(options))
            ->restore(request(target_, Overwrite::yes), {reader_->stream()}, stop.get_token());
    session->apply(*reader_, stop.get_token());
    RestoreReport report;
    {
        const StopOnceRestored watcher(target_, stop);
        report = session->finish(fingerprinter_, stop.get_token());
    }
    EXPECT_EQ(report.is_verified, report.warnings.empty());
    EXPECT_EQ(TestDatabase(target_).ask("SELECT count(*) FROM account"), "600");
}

TEST_P(RestoreProofTest, WritersBesideItAreNotTakenForDamage) {
    stored();
    std::vector<std::unique_ptr<ChildProcess>> writers;
    for (unsigned writer = 0; writer < 2; ++writer) {
        writers.push_back(std::make_unique<ChildProcess>(
            [&, writer] { transfer_for_ever(target_, 50, writer * 1'000'003 + 1); }));
    }
    for (int round = 0; round < 20; ++round) {
        SourceOptions options;
        options.lock_timeout = std::chrono::seconds(20);
        const auto session =
            make_sqlite_connector(std::move(options))
                ->restore(request(target_, Overwrite::yes), {reader_->stream()}, {});
        session->apply(*reader_, {});
        const RestoreReport report = session->finish(fingerprinter_, {});
        EXPECT_EQ(report.is_verified, report.warnings.empty());
    }
    writers.clear();
    TestDatabase restored(target_);
    EXPECT_EQ(restored.ask("SELECT count(*), sum(balance) FROM account"), "600|0");
    EXPECT_EQ(restored.ask("PRAGMA integrity_check"), "ok");
}

INSTANTIATE_TEST_SUITE_P(Journals, RestoreProofTest, testing::Values("DELETE", "WAL"),
                         [](const auto& journal) { return journal.param; });

TEST(ImageReader, TellsAFileThatIsTooShort) {
    const TestFolder folder;
    File file = File::temporary(folder.path());
    file.write_at(0, Bytes(4096));
    StoredStream stream;
    stream.page_bytes = 4096;
    stream.size_bytes = 8192;
    ImageReader image(file, stream);
    Bytes page(4096);
    image.read_at(0, page, {});
    EXPECT_THROW(image.read_at(4096, page, {}), CorruptionError);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(image.read_at(0, page, stop.get_token()), Cancelled);
}

}  // namespace
}  // namespace dbbackup::sqlite
