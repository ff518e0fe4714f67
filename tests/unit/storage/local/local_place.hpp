#pragma once

/// @file
/// A local store in a folder of its own, and child processes, for the tests of the local store.

#include "storage/local/local_storage.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace dbbackup {

inline std::unique_ptr<Storage> open_local(const std::filesystem::path& root,
                                           CreatePlace create = CreatePlace::yes) {
    return make_local_storage({"file", root.string(), {}}, create);
}

inline std::set<std::string> names_in(Storage& storage, const std::string& prefix = {}) {
    std::set<std::string> names;
    storage.list(ObjectPrefix(prefix),
                 [&names](const ObjectInfo& info) { names.insert(info.name.text()); }, {});
    return names;
}

/// Runs `work` in a child process and returns its wait status; a failed EXPECT or an exception in
/// it is exit status 1.
inline int status_of_child(const std::function<void()>& work) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            work();
        } catch (const std::exception& error) {
            ADD_FAILURE() << "in the child: " << error.what();
        }
        std::fflush(nullptr);
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

class LocalStore : public testing::Test {
protected:
    /// Ordinary files anywhere below the root, hidden ones included.
    [[nodiscard]] std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
            count += entry.is_regular_file() ? 1U : 0U;
        }
        return count;
    }

    TemporaryFolder folder_;
    std::filesystem::path root_ = folder_.path() / "repository";
    std::unique_ptr<Storage> storage_ = open_local(root_);
};

}  // namespace dbbackup
