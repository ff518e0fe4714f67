#pragma once

/// @file
/// The servers that scripts/servers.sh started for this run of the tests.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace dbbackup {

/// One that runs. Not having it is a failure, never a reason to skip.
class TestServer {
public:
    explicit TestServer(const std::string& name) : folder_(servers() / name) {}

    [[nodiscard]] std::string endpoint() const { return text("endpoint"); }
    [[nodiscard]] std::string account() const { return text("account"); }
    [[nodiscard]] std::string key() const { return text("key"); }
    [[nodiscard]] std::string secret() const { return text("secret"); }
    /// Of the superuser that the endpoint of a database server names.
    [[nodiscard]] std::string password() const { return text("password"); }
    /// A file that this kind of server leaves for its clients.
    [[nodiscard]] std::filesystem::path file(const char* name) const { return folder_ / name; }

private:
    static std::filesystem::path servers() {
        const char* const folder = std::getenv("DB_BACKUP_TEST_SERVERS");
        if (folder == nullptr) {
            throw std::runtime_error("DB_BACKUP_TEST_SERVERS is not set: run this by ctest");
        }
        return folder;
    }

    [[nodiscard]] std::string text(const char* file) const {
        std::ifstream in(folder_ / file, std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(in), {}};
        while (!content.empty() && content.back() == '\n') {
            content.pop_back();
        }
        if (content.empty()) {
            throw std::runtime_error("no server runs in " + folder_.string());
        }
        return content;
    }

    std::filesystem::path folder_;
};

}  // namespace dbbackup
