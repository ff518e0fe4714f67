#include "support/memory_storage.hpp"

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "storage/operation.hpp"
#include "support/collecting_upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

struct StoredObject {
    Bytes content;
    std::chrono::sys_seconds modified_at;
};
using Objects = std::map<std::string, StoredObject>;

/// Whether an object lies below `name` or `name` lies below an object.
bool is_folder_conflict(const Objects& objects, const std::string& name) {
    const std::string folder = name + '/';
    const auto below = objects.lower_bound(folder);
    if (below != objects.end() && below->first.starts_with(folder)) {
        return true;
    }
    for (std::size_t slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
        if (objects.contains(name.substr(0, slash))) {
            return true;
        }
    }
    return false;
}

}  // namespace

struct MemoryStorage::State {
    Options options;
    SystemClock system_clock;
    Guarded<Objects> objects;
};

MemoryStorage::MemoryStorage() : MemoryStorage(Options{}) {}

MemoryStorage::MemoryStorage(Options options) : state_(std::make_shared<State>()) {
    state_->options = std::move(options);
}

MemoryStorage::MemoryStorage(std::shared_ptr<State> state) : state_(std::move(state)) {}

PutResult MemoryStorage::put(const ObjectName& name, BytesView content, std::stop_token stop) {
    throw_if_stopped(stop);
    const Clock& clock = state_->options.clock ? *state_->options.clock : state_->system_clock;
    StoredObject object{Bytes(content.begin(), content.end()),
                        std::chrono::floor<std::chrono::seconds>(clock.now())};
    return state_->objects.with([&](Objects& objects) {
        if (is_folder_conflict(objects, name.text())) {
            throw StorageError(
                fmt::format("cannot store {}: one name is a folder of another", name.text()));
        }
        return objects.emplace(name.text(), std::move(object)).second ? PutResult::created
                                                                      : PutResult::exists;
    });
}

std::unique_ptr<Upload> MemoryStorage::begin_upload(const ObjectName& name, std::stop_token stop) {
    throw_if_stopped(stop);
    return std::make_unique<CollectingUpload>(*this, name);
}

void MemoryStorage::end_abandoned_uploads(std::chrono::seconds /*silence*/, std::stop_token stop) {
    throw_if_stopped(stop);
}

std::optional<Bytes> MemoryStorage::get(const ObjectName& name, std::stop_token stop) {
    throw_if_stopped(stop);
    return state_->objects.with([&](const Objects& objects) -> std::optional<Bytes> {
        const auto found = objects.find(name.text());
        return found == objects.end() ? std::nullopt : std::optional(found->second.content);
    });
}

std::optional<Bytes> MemoryStorage::get_range(const ObjectName& name, ByteRange range,
                                              std::stop_token stop) {
    throw_if_stopped(stop);
    return state_->objects.with([&](const Objects& objects) -> std::optional<Bytes> {
        const auto found = objects.find(name.text());
        if (found == objects.end()) {
            return std::nullopt;
        }
        const BytesView whole = found->second.content;
        const std::uint64_t begin = std::min<std::uint64_t>(range.offset_bytes, whole.size());
        const BytesView part =
            whole.subspan(begin, std::min<std::uint64_t>(range.length_bytes, whole.size() - begin));
        return Bytes(part.begin(), part.end());
    });
}

std::optional<std::uint64_t> MemoryStorage::size_bytes(const ObjectName& name,
                                                       std::stop_token stop) {
    throw_if_stopped(stop);
    return state_->objects.with([&](const Objects& objects) -> std::optional<std::uint64_t> {
        const auto found = objects.find(name.text());
        return found == objects.end() ? std::nullopt
                                      : std::optional<std::uint64_t>(found->second.content.size());
    });
}

void MemoryStorage::list(const ObjectPrefix& prefix,
                         const std::function<void(const ObjectInfo&)>& visit,
                         std::stop_token stop) {
    throw_if_stopped(stop);
    // Copied first, so that `visit` may call this store.
    const auto found = state_->objects.with([&](const Objects& objects) {
        std::vector<ObjectInfo> infos;
        for (const auto& [text, object] : objects) {
            ObjectName name(text);
            if (prefix.covers(name)) {
                infos.push_back({std::move(name), object.content.size(), object.modified_at});
            }
        }
        return infos;
    });
    for (const ObjectInfo& info : found) {
        throw_if_stopped(stop);
        visit(info);
    }
}

void MemoryStorage::remove(const ObjectName& name, std::stop_token stop) {
    throw_if_stopped(stop);
    state_->objects.with([&](Objects& objects) { objects.erase(name.text()); });
}

std::string MemoryStorage::url() const { return state_->options.url; }

StorageCapabilities MemoryStorage::capabilities() const { return state_->options.capabilities; }

std::unique_ptr<MemoryStorage> MemoryStorage::handle() const {
    // Not make_unique: the constructor is private.
    return std::unique_ptr<MemoryStorage>(new MemoryStorage(state_));
}

std::unique_ptr<MemoryStorage> MemoryStorage::clone() const {
    auto copy = std::make_unique<MemoryStorage>(state_->options);
    Objects objects = state_->objects.with([](const Objects& held) { return held; });
    copy->state_->objects.with([&](Objects& target) { target = std::move(objects); });
    return copy;
}

std::map<std::string, Bytes> MemoryStorage::contents() const {
    return state_->objects.with([](const Objects& objects) {
        std::map<std::string, Bytes> result;
        for (const auto& [name, object] : objects) {
            result.emplace(name, object.content);
        }
        return result;
    });
}

void MemoryStorage::damage(const ObjectName& name, const std::function<void(Bytes&)>& change) {
    state_->objects.with([&](Objects& objects) {
        const auto found = objects.find(name.text());
        if (found == objects.end()) {
            throw StorageError(fmt::format("there is no object {} to damage", name.text()));
        }
        change(found->second.content);
    });
}

}  // namespace dbbackup
