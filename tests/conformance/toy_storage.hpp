#pragma once

/// @file
/// The smallest store that keeps every promise of storage.hpp, as an example for authors of new
/// ones: one header, one line in a list of plug-ins, and the suite proves it.

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "storage/registry.hpp"
#include "support/collecting_upload.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace dbbackup {

/// Objects in a map that all handles share.
class ToyStorage final : public Storage {
public:
    using Objects = Guarded<std::map<ObjectName, Bytes>>;

    explicit ToyStorage(std::shared_ptr<Objects> objects) : objects_(std::move(objects)) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        refuse_if(stop);
        return objects_->with([&](auto& all) {
            const bool is_new = all.emplace(name, Bytes(content.begin(), content.end())).second;
            return is_new ? PutResult::created : PutResult::exists;
        });
    }

    std::unique_ptr<Upload> begin_upload(const ObjectName& name,
                                         std::stop_token /*stop*/) override {
        return std::make_unique<CollectingUpload>(*this, name);
    }

    void end_abandoned_uploads(std::chrono::seconds /*silence*/, std::stop_token stop) override {
        refuse_if(stop);
    }

    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override {
        return get_range(name, {0, ~std::uint64_t{0}}, std::move(stop));
    }

    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override {
        refuse_if(stop);
        return objects_->with([&](const auto& all) -> std::optional<Bytes> {
            const auto found = all.find(name);
            if (found == all.end()) {
                return std::nullopt;
            }
            const BytesView whole = found->second;
            const auto rest =
                whole.subspan(std::min<std::size_t>(range.offset_bytes, whole.size()));
            const auto part = rest.first(std::min<std::size_t>(range.length_bytes, rest.size()));
            return Bytes(part.begin(), part.end());
        });
    }

    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override {
        const auto content = get(name, std::move(stop));
        return content ? std::optional<std::uint64_t>(content->size()) : std::nullopt;
    }

    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override {
        refuse_if(stop);
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        // A copy, so that `visit` may use the store.
        for (const auto& [name, content] : objects_->with([](const auto& all) { return all; })) {
            refuse_if(stop);
            if (prefix.covers(name)) {
                visit({name, content.size(), now});
            }
        }
    }

    void remove(const ObjectName& name, std::stop_token stop) override {
        refuse_if(stop);
        objects_->with([&](auto& all) { all.erase(name); });
    }

    [[nodiscard]] std::string url() const override { return "toy://map"; }
    [[nodiscard]] StorageCapabilities capabilities() const override { return {}; }

private:
    static void refuse_if(const std::stop_token& stop) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
    }

    // Shared: the handles of one place outlive each other in any order.
    std::shared_ptr<Objects> objects_;
};

/// What cli/plugins.cpp would add under the scheme "toy".
inline StorageRegistry::Factory toy_storage_factory() {
    auto objects = std::make_shared<ToyStorage::Objects>();
    return
        [objects](const StorageUrl&, CreatePlace) { return std::make_unique<ToyStorage>(objects); };
}

}  // namespace dbbackup
