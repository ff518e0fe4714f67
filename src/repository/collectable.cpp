#include "repository/collectable.hpp"

#include "base/error.hpp"
#include "repository/config_object.hpp"
#include "repository/features.hpp"
#include "repository/pack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 9> kFolders = {"keys/",        "features/",  "indexes/",
                                                      "runs/",        "manifests/", "condemned/",
                                                      "collections/", "damaged/",   "pins/"};

bool is_known(const ObjectName& name) {
    const std::string& text = name.text();
    return name == config_object_name() || pack_name_of(name) ||
           std::any_of(kFolders.begin(), kFolders.end(),
                       [&text](std::string_view folder) { return text.starts_with(folder); });
}

}  // namespace

void check_collectable(Repository& repository, std::stop_token stop) {
    repository.check_writable();  // A collection writes too.
    check_features_for_collecting(repository.storage(), stop);
    repository.storage().list(
        ObjectPrefix(),
        [](const ObjectInfo& info) {
            if (!is_known(info.name)) {
                throw explained<RepositoryError>(
                    fmt::format("{} is nothing that this program knows, so it deletes nothing here",
                                info.name.text()),
                    "Use the newest version of db-backup, or remove the object if it does not "
                    "belong to the repository.",
                    "unknown_object");
            }
        },
        stop);
}

}  // namespace dbbackup
