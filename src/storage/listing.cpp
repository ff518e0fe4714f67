#include "storage/listing.hpp"

#include <utility>

namespace dbbackup {

std::vector<ObjectName> names_below(Storage& storage, const std::string& folder,
                                    std::stop_token stop) {
    std::vector<ObjectName> names;
    storage.list(
        ObjectPrefix(folder), [&names](const ObjectInfo& info) { names.push_back(info.name); },
        std::move(stop));
    return names;
}

}  // namespace dbbackup
