#include "examples/csv_connector.hpp"

#include "conformance/connector_suite.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Names and contents of the files of a folder.
std::string content_of(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        files[entry.path().filename().native()] = text_of(entry.path());
    }
    std::string content;
    for (const auto& [name, text] : files) {
        content += fmt::format("{}: {}\n", name, text);
    }
    return content;
}

SourceOptions options_of(const fs::path& folder) {
    SourceOptions options;
    options.database = folder.native();
    return options;
}

class CsvPlace final : public ConnectorPlace {
public:
    CsvPlace() {
        fs::create_directory(source_);
        fs::create_directory(targets_);
        std::ofstream orders(source_ / "orders.csv");
        for (int row = 0; row < 100'000; ++row) {  // more than one segment
            orders << row << ",\"a text, quoted\"," << row % 9973 << '\n';
        }
        std::ofstream(source_ / "zero.csv").flush();
        std::ofstream(source_ / "unended.csv") << "a,b\nc,d";
        std::ofstream(source_ / "one_long_line.csv") << std::string(3'000'000, 'x') << '\n';
    }
    std::unique_ptr<Connector> connect() override {
        return make_csv_connector(options_of(source_));
    }
    std::unique_ptr<Connector> connect_missing() override {
        return make_csv_connector(options_of(folder_.path() / "missing"));
    }
    bool change_source() override {
        const std::string text = text_of(source_ / "orders.csv");
        std::ofstream(source_ / "orders.new") << "new " << ++changes_ << '\n' << text;
        fs::rename(source_ / "orders.new", source_ / "orders.csv");
        return true;
    }
    std::string source_content() override { return content_of(source_); }
    std::string target_content(const std::string& target) override { return content_of(target); }
    std::string new_target() override {
        return (targets_ / fmt::format("new-{}", ++targets_made_)).native();
    }
    std::string filled_target() override {
        const std::string target = new_target();
        fs::create_directory(target);
        std::ofstream(fs::path(target) / "other.csv") << "1\n";
        return target;
    }
    std::string impossible_target() override { return (targets_ / "no/folder").native(); }
    std::set<std::string> around_targets() override {
        std::set<std::string> names;
        for (const fs::directory_entry& entry : fs::directory_iterator(targets_)) {
            names.insert(entry.path().filename().native());
        }
        return names;
    }

private:
    TemporaryFolder folder_;
    fs::path source_ = folder_.path() / "source";
    fs::path targets_ = folder_.path() / "targets";
    int changes_ = 0;
    int targets_made_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Example, ConnectorSuite,
                         testing::Values(ConnectorCase{
                             "csv", [] { return std::make_unique<CsvPlace>(); }}),
                         connector_case_name);

TEST(CsvConnector, AFileThatIsWrittenInPlaceMakesNoSnapshot) {
    const TemporaryFolder folder;
    folder.write("a.csv", "1\n2\n");
    const auto session = make_csv_connector(options_of(folder.path()))->begin({}, {});
    static_cast<void>(session->plan());
    std::ofstream(folder.path() / "a.csv", std::ios::app) << "3\n";
    try {
        static_cast<void>(session->finish({}));
        FAIL() << "a snapshot was made";
    } catch (const SourceError& error) {
        EXPECT_EQ(error.code(), "view_lost");
    }
}

TEST(CsvConnector, NoNameLeadsOutOfTheTarget) {
    const TemporaryFolder folder;
    RestoreRequest request;
    request.target = (folder.path() / "restored").native();
    for (const char* name : {"../a.csv", "/tmp/a.csv", ".."}) {
        MemoryStream stream;
        stream.plan.name = name;
        MemoryStreamReader reader(stream, Fingerprinter(Bytes(32, 0x2a)));
        const auto session = make_csv_connector({})->restore(request, {}, {});
        EXPECT_THROW(session->apply(reader, {}), CorruptionError) << name;
    }
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(CsvConnector, ARestoreTouchesNothingButItsTarget) {
    const TemporaryFolder folder;
    folder.write("restored", "a file of somebody");
    RestoreRequest request;
    request.target = (folder.path() / "restored").native();
    request.overwrite = Overwrite::yes;
    EXPECT_THROW(static_cast<void>(make_csv_connector({})->restore(request, {}, {})), ConfigError);
    request.target = (folder.path() / "other/").native();
    request.overwrite = Overwrite::no;
    const auto session = make_csv_connector({})->restore(request, {}, {});
    fs::create_directory(folder.path() / "other");  // Somebody else was quicker.
    EXPECT_THROW(session->finish(Fingerprinter(Bytes(32, 0x2a)), {}), ConfigError);
    EXPECT_EQ(folder.read("restored"), "a file of somebody");
}

}  // namespace
}  // namespace dbbackup
