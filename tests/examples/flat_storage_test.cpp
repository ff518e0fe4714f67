#include "examples/flat_storage.hpp"

#include "conformance/storage_suite.hpp"
#include "conformance/storage_suite_concurrency.hpp"
#include "conformance/storage_suite_upload.hpp"
#include "engine/restore.hpp"
#include "engine/verify.hpp"
#include "examples/csv_connector.hpp"
#include "support/sample_backup.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

namespace dbbackup {
namespace {

/// As cli/plugins.cpp lists the stores of the program.
StorageRegistry registry() {
    StorageRegistry found;
    found.add("flat", make_flat_storage);
    return found;
}

class FlatPlace final : public StoragePlace {
public:
    std::unique_ptr<Storage> open() override { return registry_.open(url_, CreatePlace::yes); }

private:
    TemporaryFolder folder_;
    StorageRegistry registry_ = registry();
    std::string url_ = "flat:/" + (folder_.path() / "objects").native();
};

INSTANTIATE_TEST_SUITE_P(Example, StorageSuite,
                         testing::Values(StorageCase{"flat",
                                                     [] { return std::make_unique<FlatPlace>(); }}),
                         storage_case_name);

TEST(FlatStorage, IsNotMadeUnlessAsked) {
    const TemporaryFolder folder;
    const std::string url = "flat:/" + (folder.path() / "objects").native();
    EXPECT_EQ(registry().open(url, CreatePlace::no), nullptr);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

/// Both examples at once, below everything but the command line: a snapshot and its proof.
TEST(FlatStorage, HoldsARepositoryOfCsvFiles) {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path() / "source");
    folder.write("source/orders.csv", "1,a\n2,b\n");
    const std::string url = "flat:/" + (folder.path() / "objects").native();
    const StorageRegistry stores = registry();
    SampleContext sample;
    Repository::init(*stores.open(url, CreatePlace::yes), {Encryption::keyfile, sample_key()},
                     sample.clock, {});
    const auto repository =
        Repository::open(stores.open(url, CreatePlace::no), sample_unlock(), {}, sample.log, {});
    SourceOptions source;
    source.database = (folder.path() / "source").native();
    const auto connector = make_csv_connector(std::move(source));
    const SnapshotSummary first =
        back_up(*repository, *connector, {}, sample.context(), {}).snapshot.summary;
    EXPECT_EQ(first.rows, 2U);
    EXPECT_EQ(findings_text(verify(*repository, VerifyDepth::data, {}, 2, sample.context(), {})),
              "");
    RestoreOptions options;
    options.target = (folder.path() / "restored").native();
    static_cast<void>(restore(*repository, first.id, *connector, options, sample.context(), {}));
    EXPECT_EQ(folder.read("restored/orders.csv"), "1,a\n2,b\n");
}

}  // namespace
}  // namespace dbbackup
