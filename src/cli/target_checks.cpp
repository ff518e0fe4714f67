#include "cli/target_checks.hpp"

#include "base/error.hpp"
#include "storage/registry.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace dbbackup {

void refuse_target_inside(const std::string& repository, const std::string& target) {
    const StorageUrl url = StorageUrl::parse(repository);
    if (url.type() != StorageType::local) {
        return;
    }
    std::error_code ignored;  // What cannot be resolved is refused by the connector.
    const auto root = std::filesystem::weakly_canonical(url.path, ignored);
    const auto place = std::filesystem::weakly_canonical(absolute_path(target), ignored);
    const auto [root_end, place_end] =
        std::mismatch(root.begin(), root.end(), place.begin(), place.end());
    if (!root.empty() && root_end == root.end()) {
        throw explained<ConfigError>(
            fmt::format("the target {} is inside the repository {}", target, repository),
            "Choose a place outside.", "target_in_repository");
    }
}

void refuse_own_output(const std::string& target) {
    struct stat place{};
    if (::stat(target.c_str(), &place) != 0) {
        return;
    }
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat output{};
        if (::fstat(descriptor, &output) == 0 && output.st_dev == place.st_dev &&
            output.st_ino == place.st_ino) {
            throw explained<ConfigError>(
                fmt::format("the target {} is where this program's own output goes", target),
                "Give the path of a file of its own.", "target_is_output");
        }
    }
}

}  // namespace dbbackup
