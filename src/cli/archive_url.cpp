#include "cli/archive_url.hpp"

#include "base/error.hpp"
#include "storage/storage.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {

ArchiveUrl ArchiveUrl::parse(const std::string& text) {
    static_cast<void>(StorageUrl::parse(text));  // Says what is wrong with the rest of it.
    const std::size_t query = std::min(text.find('?'), text.size());
    const std::size_t bucket = text.find("://") + 3;
    const std::size_t slash = text.rfind('/', query - 1);
    const std::string name = slash == std::string::npos || slash < bucket
                                 ? ""
                                 : text.substr(slash + 1, query - slash - 1);
    if (!ObjectName::is_valid(name) || !ObjectName::is_valid(name + kChecksumSuffix)) {
        throw explained<ConfigError>(
            fmt::format("the URL names no archive: '{}' cannot be the name of one", name),
            "End it in a name of small letters, digits, '.', '_' and '-', for example "
            "s3://bucket/prefix/shop.sqlite.gz.",
            "bad_archive_url");
    }
    return {text, text.substr(0, slash) + text.substr(query), ObjectName(name),
            text.substr(0, query) + kChecksumSuffix + text.substr(query)};
}

std::unique_ptr<Storage> open_place(const ArchiveUrl& url, CreatePlace create,
                                    const CommandContext& context) {
    std::unique_ptr<Storage> storage = context.plugins.storages.open(url.place, create);
    if (!storage) {
        throw explained<StorageError>(fmt::format("there is no place {}", url.place),
                                      "Make it first, or give another URL.", "archive_failed");
    }
    return storage;
}

}  // namespace dbbackup
