#include "cli/archive_url.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/storage_limits.hpp"
#include "repository/config_object.hpp"
#include "storage/access_denied.hpp"
#include "storage/storage.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>

namespace dbbackup {
namespace {

/// What is larger is no `config` of a repository.
constexpr std::uint64_t kConfigBytesMax = 64_KiB;

bool is_config(const std::optional<Bytes>& content) {
    if (!content) {
        return false;
    }
    try {
        static_cast<void>(decode_config(*content));
    } catch (const CorruptionError&) {
        return false;  // Many programs call a file so.
    } catch (const RepositoryError&) {
        return true;  // Of a newer program.
    }
    return true;
}

ConfigError inside(const std::string& archive, const std::string& repository) {
    return explained<ConfigError>(
        fmt::format("the target {} is inside the repository {}", archive, repository),
        "Choose a place outside.", "target_in_repository");
}

bool is_repository(Storage& storage, std::stop_token stop) {
    try {
        return is_config(storage.get_range(config_object_name(), {0, kConfigBytesMax}, stop));
    } catch (const StorageError& error) {
        if (error.code() != kAccessDenied) {
            throw;
        }
        return false;  // Whoever may write archives alone sees nothing else.
    }
}

}  // namespace

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

void refuse_repository(const ArchiveUrl& url, const CommandContext& context) {
    const std::size_t bucket = url.place.find("://") + 3;
    std::string place = url.place;
    for (;;) {
        const auto storage = context.plugins.storages.open(
            place, CreatePlace::no, storage_limits(place, nullptr, context.config()));
        if (storage && is_repository(*storage, context.stop)) {
            throw inside(url.text, storage->url());
        }
        const std::size_t query = std::min(place.find('?'), place.size());
        const std::size_t slash = place.rfind('/', query - 1);
        if (slash == std::string::npos || slash < bucket) {
            return;
        }
        place.erase(slash, query - slash);
    }
}

void refuse_repository(const std::filesystem::path& archive) {
    std::error_code unresolved;
    std::filesystem::path folder = std::filesystem::weakly_canonical(archive, unresolved);
    while (folder.has_relative_path()) {
        folder = folder.parent_path();
        try {
            if (is_config(read_file(folder / "config", kConfigBytesMax))) {
                throw inside(archive.native(), folder.native());
            }
        } catch (const FileError&) {
            continue;  // A folder of that name, or one that this user may not read.
        }
    }
}

std::unique_ptr<Storage> open_place(const ArchiveUrl& url, CreatePlace create,
                                    const CommandContext& context) {
    std::unique_ptr<Storage> storage = context.plugins.storages.open(
        url.place, create, storage_limits(url.place, nullptr, context.config()));
    if (!storage) {
        throw explained<StorageError>(fmt::format("there is no place {}", url.place),
                                      "Make it first, or give another URL.", "archive_failed");
    }
    return storage;
}

}  // namespace dbbackup
