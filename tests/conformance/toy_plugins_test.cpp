/// @file
/// A database and a store that this project never heard of, each in one file, go through the whole
/// program below the command line: a list of plug-ins is all that names them.

#include "conformance/toy_connector.hpp"
#include "conformance/toy_storage.hpp"
#include "engine/restore.hpp"
#include "engine/snapshot_tables.hpp"
#include "engine/verify.hpp"
#include "support/sample_backup.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>

namespace dbbackup {
namespace {

/// As cli/plugins.cpp lists them.
struct ToyPlugins {
    StorageRegistry storages;
    std::function<std::unique_ptr<Connector>(const SourceOptions&)> make_connector;
};

ToyPlugins toy_plugins() {
    ToyPlugins plugins;
    plugins.storages.add("toy", toy_storage_factory());
    plugins.make_connector = [](const SourceOptions& options) {
        return std::make_unique<ToyConnector>(options.database);
    };
    return plugins;
}

class ToyPluginsTest : public testing::Test {
protected:
    void write(const std::string& text) { std::ofstream(source_, std::ios::binary) << text; }

    std::unique_ptr<Repository> open() {
        return Repository::open(plugins_.storages.open("toy://map", CreatePlace::no),
                                sample_unlock(), {}, sample_.log, {});
    }
    SnapshotSummary take() {
        SourceOptions options;
        options.database = source_.native();
        const auto connector = plugins_.make_connector(options);
        return back_up(*open(), *connector, {}, sample_.context(), {}).snapshot.summary;
    }
    std::string restored(const SnapshotId& snapshot) {
        const std::filesystem::path target = folder_.path() / ("restored-" + snapshot);
        const auto connector = plugins_.make_connector({});
        RestoreOptions options;
        options.target = target.native();
        static_cast<void>(restore(*open(), snapshot, *connector, options, sample_.context(), {}));
        return toy::read_text(target);
    }

    TemporaryFolder folder_;
    std::filesystem::path source_ = folder_.path() / "source.toy";
    ToyPlugins plugins_ = toy_plugins();
    SampleContext sample_;
};

TEST_F(ToyPluginsTest, TakeAndRestoreSnapshotsLikeAnyOthers) {
    Repository::init(*plugins_.storages.open("toy://map", CreatePlace::yes),
                     {Encryption::keyfile, sample_key()}, sample_.clock, {});
    std::string text;
    for (int row = 0; row < 1000; ++row) {
        text += std::to_string(row) + "=a value of row " + std::to_string(row * row) + "\n";
    }
    write(text);
    const SnapshotSummary first = take();
    EXPECT_EQ(first.mode, BackupMode::full);
    EXPECT_EQ(first.rows, 1000U);
    const SnapshotSummary second = take();
    EXPECT_EQ(second.capture, Capture::unchanged);
    EXPECT_EQ(second.chunks_new, 0U);
    const std::string changed = "new=row\n" + text.substr(text.size() / 2);
    write(changed);
    const SnapshotSummary third = take();
    EXPECT_EQ(third.mode, BackupMode::incremental);
    EXPECT_EQ(third.capture, Capture::compared);
    EXPECT_EQ(restored(first.id), text);
    EXPECT_EQ(restored(second.id), text);
    EXPECT_EQ(restored(third.id), changed);
    try {
        const auto connector = plugins_.make_connector({});
        static_cast<void>(
            snapshot_tables(*open(), third.id, {}, *connector, {}, sample_.context(), {}));
        FAIL() << "the tables of a text file were told";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "tables_not_supported");
    }
    EXPECT_EQ(findings_text(verify(*open(), VerifyDepth::data, {}, 2, sample_.context(), {})), "");
}

}  // namespace
}  // namespace dbbackup
