#include "cli/config_trials.hpp"

#include "base/error.hpp"
#include "cli/key_file.hpp"
#include "cli/repository_access.hpp"
#include "cli/source_access.hpp"
#include "cli/storage_limits.hpp"
#include "repository/config_object.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

void refuse_foreign(Storage& storage, const CommandContext& context) {
    bool is_foreign = false;
    storage.list(
        ObjectPrefix(),
        [&is_foreign](const ObjectInfo& info) {
            // What an interrupted `init` leaves, which another one completes.
            const std::string& name = info.name.text();
            is_foreign = is_foreign || !(name.starts_with("keys/") || name.starts_with("runs/"));
        },
        context.stop);
    if (is_foreign) {
        throw explained<ConfigError>(fmt::format("{} is not empty", storage.url()),
                                     "Choose an empty place for the repository.",
                                     "target_not_empty");
    }
}

}  // namespace

std::filesystem::path existing_parent(std::filesystem::path path) {
    std::error_code ignored;
    while (path.has_relative_path() && !std::filesystem::exists(path, ignored)) {
        path = path.parent_path();
    }
    return path;
}

void check_writable(const std::filesystem::path& folder) {
    std::error_code ignored;
    const bool is_folder = std::filesystem::is_directory(folder, ignored);
    if (!is_folder || ::access(folder.c_str(), W_OK | X_OK) != 0) {
        throw explained<ConfigError>(
            is_folder ? fmt::format("this user may not write into {}", folder.string())
                      : fmt::format("{} is not a folder", folder.string()),
            "Choose another place, or run this as a user who may.", "place_not_writable");
    }
}

std::uint64_t try_source(const ConfigDraft& draft, const CommandContext& context) {
    SourceOptions options;
    options.type = draft.type;
    options.folder = draft.folder;
    options.name = "new";
    if (draft.databases.size() == 1) {
        options.database = draft.databases.front();
    } else {
        options.databases = draft.databases;
    }
    return make_connector(std::move(options), context.plugins)->probe(context.stop).source_bytes;
}

std::optional<Cipher> try_repository(const std::string& url, const CommandContext& context) {
    context.plugins.storages.check(url);
    std::optional<Cipher> cipher;
    if (const std::unique_ptr<Storage> storage = context.plugins.storages.open(
            url, CreatePlace::no, storage_limits(url, nullptr, context.config()))) {
        if (const std::optional<Bytes> config = storage->get(config_object_name(), context.stop)) {
            cipher = decode_config(*config).cipher;
        } else {
            refuse_foreign(*storage, context);
        }
    }
    const StorageUrl parsed = StorageUrl::parse(url);
    if (parsed.type() == StorageType::local) {
        check_writable(existing_parent(parsed.path));
    }
    return cipher;
}

void try_secret(const ConfigDraft& draft, bool has_repository, CommandContext& context) {
    RepositoryConfig config;
    config.url = draft.repository_url;
    config.encryption = draft.encryption;
    config.passphrase = draft.passphrase;
    config.key_file = draft.key_file;
    if (has_repository) {
        const RepositoryChoice choice{config.url, std::string(kDraftRepository), &config, false};
        static_cast<void>(open_repository(choice, context));
    } else if (config.key_file) {
        static_cast<void>(read_key_file(*config.key_file, context.stop));
    } else {
        static_cast<void>(config.passphrase.fetch("passphrase", context.stop));
    }
}

}  // namespace dbbackup
