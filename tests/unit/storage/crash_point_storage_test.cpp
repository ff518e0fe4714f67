#include "storage/crash_point_storage.hpp"

#include "base/error.hpp"
#include "support/memory_storage.hpp"
#include "unit/storage/local/local_place.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace dbbackup {
namespace {

constexpr std::array<const char*, 4> kVariables = {
    "DB_BACKUP_TEST_CRASH_BEFORE", "DB_BACKUP_TEST_CRASH_AFTER", "DB_BACKUP_TEST_FAIL_AFTER",
    "DB_BACKUP_TEST_COUNT_FILE"};

const ObjectName kName("config");

/// Every test runs in a child process: operations are numbered for the whole process.
class CrashPoint : public testing::Test {
protected:
    /// Four operations: put, get, list, remove. Returns the exit status.
    int run_four(const std::string& variable, const std::string& value) {
        const int status = status_of_child([&] {
            ::setenv(variable.c_str(), value.c_str(), 1);
            const auto wrapped = wrap_for_tests(open_local(root_));
            wrapped->put(kName, as_bytes("x"), {});
            EXPECT_EQ(as_text(wrapped->get(kName, {}).value()), "x");
            int visited = 0;
            wrapped->list({}, [&visited](const ObjectInfo&) { ++visited; }, {});
            EXPECT_EQ(visited, 1);
            wrapped->remove(kName, {});
        });
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    [[nodiscard]] bool has_object() const { return std::filesystem::exists(root_ / kName.text()); }

    TemporaryFolder folder_;
    std::filesystem::path root_ = folder_.path() / "repository";
};

TEST_F(CrashPoint, IsInertWithoutItsVariables) {
    for (const char* variable : kVariables) {
        ASSERT_EQ(std::getenv(variable), nullptr);
    }
    auto storage = std::make_unique<MemoryStorage>();
    const Storage* const address = storage.get();
    EXPECT_EQ(wrap_for_tests(std::move(storage)).get(), address);
    EXPECT_EQ(wrap_for_tests(nullptr), nullptr);
}

TEST_F(CrashPoint, KillsRightBeforeAnOperation) {
    EXPECT_EQ(run_four("DB_BACKUP_TEST_CRASH_BEFORE", "1"), 137);
    EXPECT_FALSE(has_object());
    EXPECT_EQ(run_four("DB_BACKUP_TEST_CRASH_BEFORE", "4"), 137);
    EXPECT_TRUE(has_object());
    EXPECT_EQ(run_four("DB_BACKUP_TEST_CRASH_BEFORE", "5"), 0);
    EXPECT_FALSE(has_object());
}

TEST_F(CrashPoint, KillsRightAfterAnOperation) {
    EXPECT_EQ(run_four("DB_BACKUP_TEST_CRASH_AFTER", "1"), 137);
    EXPECT_TRUE(has_object());
    EXPECT_EQ(run_four("DB_BACKUP_TEST_CRASH_AFTER", "4"), 137);
    EXPECT_FALSE(has_object());
    EXPECT_EQ(run_four("DB_BACKUP_TEST_CRASH_AFTER", "5"), 0);
}

TEST_F(CrashPoint, FailsEveryLaterOperation) {
    const int status = status_of_child([] {
        ::setenv("DB_BACKUP_TEST_FAIL_AFTER", "2", 1);
        const auto wrapped = wrap_for_tests(std::make_unique<MemoryStorage>());
        wrapped->put(kName, as_bytes("x"), {});
        EXPECT_EQ(wrapped->size_bytes(kName, {}), 1U);
        EXPECT_THROW(wrapped->remove(kName, {}), StorageError);
        EXPECT_THROW(static_cast<void>(wrapped->get(kName, {})), StorageError);
        EXPECT_THROW(static_cast<void>(wrapped->get_range(kName, {0, 1}, {})), StorageError);
    });
    EXPECT_EQ(status, 0);
}

TEST_F(CrashPoint, CountsOperationsByName) {
    const std::string file = (folder_.path() / "count").string();
    EXPECT_EQ(run_four("DB_BACKUP_TEST_COUNT_FILE", file), 0);
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    EXPECT_EQ(text.str(), "1 put config\n2 get config\n3 list \n4 remove config\n");
}

TEST_F(CrashPoint, RefusesWhatIsNoNumber) {
    for (const char* value : {"", "x", "-1", "3x", "1000001"}) {
        const int status = status_of_child([value] {
            ::setenv("DB_BACKUP_TEST_CRASH_AFTER", value, 1);
            EXPECT_THROW(static_cast<void>(wrap_for_tests(std::make_unique<MemoryStorage>())),
                         ConfigError)
                << value;
        });
        EXPECT_EQ(status, 0);
    }
}

}  // namespace
}  // namespace dbbackup
