#include "storage/registry.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace dbbackup {
namespace {

void add_lock(StorageUrl& url, const ObjectLock& lock) {
    if (!url.type() || *url.type() == StorageType::local) {
        throw explained<ConfigError>(
            fmt::format("there is no object lock in repositories of the kind {}",
                        url.type() ? word_of(*url.type()) : std::string_view(url.scheme)),
            "Leave object_lock out, or use a cloud store that has it.", "object_lock_unsupported");
    }
    url.query.emplace("object_lock", lock.text());
}

}  // namespace

void StorageRegistry::add(std::string scheme, Factory factory) {
    factories_.insert_or_assign(std::move(scheme), std::move(factory));
}

void StorageRegistry::decorate(Decorator decorator) { decorator_ = std::move(decorator); }

std::unique_ptr<Storage> StorageRegistry::open(std::string_view url, CreatePlace create,
                                               const StorageLimits& limits) const {
    StorageUrl parsed = StorageUrl::parse(url);
    if (limits.object_lock) {
        add_lock(parsed, *limits.object_lock);
    }
    if (limits.ca_file && parsed.type() != StorageType::local) {
        parsed.query.emplace("ca_file", limits.ca_file->string());
    }
    std::unique_ptr<Storage> storage = factory_of(parsed)(parsed, create);
    return storage && decorator_ ? decorator_(std::move(storage), limits) : std::move(storage);
}

void StorageRegistry::check(std::string_view url) const {
    static_cast<void>(factory_of(StorageUrl::parse(url)));
}

const StorageRegistry::Factory& StorageRegistry::factory_of(const StorageUrl& parsed) const {
    const auto factory = factories_.find(parsed.scheme);
    if (factory == factories_.end()) {
        const std::string hint =
            fmt::format("Use a path or one of: {}.", fmt::join(schemes(), ", "));
        if (const std::optional<StorageType> type = parsed.type()) {
            throw explained<ConfigError>(fmt::format("the store {} ({}://) is not built in yet",
                                                     word_of(*type), parsed.scheme),
                                         hint, "not_built_in");
        }
        throw explained<ConfigError>(fmt::format("unknown repository scheme '{}'", parsed.scheme),
                                     hint, "unknown_scheme");
    }
    return factory->second;
}

std::vector<std::string> StorageRegistry::schemes() const {
    std::vector<std::string> names;
    names.reserve(factories_.size());
    for (const auto& [scheme, factory] : factories_) {
        names.push_back(scheme);
    }
    return names;
}

}  // namespace dbbackup
