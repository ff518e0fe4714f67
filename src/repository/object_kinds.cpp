#include "repository/object_kinds.hpp"

#include "repository/config_object.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::string_view kPacksFolder = "packs/";
constexpr std::array<std::string_view, 4> kLastingFolders = {"keys/", "manifests/", "indexes/",
                                                             kPacksFolder};

}  // namespace

ObjectRules repository_object_rules() {
    ObjectRules rules;
    rules.is_lasting = [](const ObjectName& name) {
        return name == config_object_name() ||
               std::ranges::any_of(kLastingFolders, [&name](std::string_view folder) {
                   return name.text().starts_with(folder);
               });
    };
    rules.is_bulk = [](const ObjectName& name) { return name.text().starts_with(kPacksFolder); };
    return rules;
}

}  // namespace dbbackup
