#pragma once

/// @file
/// A store that locks what is put, as a bucket with object lock does.

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/guarded.hpp"
#include "storage/object_protection.hpp"
#include "storage/object_rules.hpp"
#include "storage/storage.hpp"
#include "support/collecting_upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace dbbackup {

/// Passes calls on to a store that outlives it. Safe to use from several threads.
class LockingStorage final : public Storage, private ObjectProtection {
public:
    struct Options {
        std::chrono::days lock{30};
        ObjectRules rules = {};  ///< What is locked.
        bool is_told = true;     ///< The program knows of it; else it is the bucket that does it.
    };

    LockingStorage(Storage& inner, const Clock& clock, Options options)
        : inner_(inner), clock_(clock), options_(std::move(options)) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        const PutResult result = inner_.put(name, content, std::move(stop));
        if (result == PutResult::created && options_.rules.lasts(name)) {
            ends_.with([&](Ends& ends) { ends[name.text()] = now() + options_.lock; });
        }
        return result;
    }
    std::unique_ptr<Upload> begin_upload(const ObjectName& name,
                                         std::stop_token /*stop*/) override {
        return std::make_unique<CollectingUpload>(*this, name);
    }
    void end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) override {
        inner_.end_abandoned_uploads(silence, std::move(stop));
    }
    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override {
        return inner_.get(name, std::move(stop));
    }
    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override {
        return inner_.get_range(name, range, std::move(stop));
    }
    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override {
        return inner_.size_bytes(name, std::move(stop));
    }
    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override {
        inner_.list(prefix, visit, std::move(stop));
    }
    void remove(const ObjectName& name, std::stop_token stop) override {
        if (locked_until(name, stop)) {
            ++refused_;
            throw explained<StorageError>(fmt::format("{} is locked", name.text()), "Wait.",
                                          std::string(kObjectLocked));
        }
        inner_.remove(name, std::move(stop));
    }
    [[nodiscard]] std::string url() const override { return inner_.url(); }
    [[nodiscard]] StorageCapabilities capabilities() const override {
        StorageCapabilities capabilities = inner_.capabilities();
        capabilities.lock = options_.is_told ? options_.lock : std::chrono::days(0);
        return capabilities;
    }
    [[nodiscard]] ObjectProtection* protection() override { return this; }

    /// When locks end, by name, those that have ended too.
    using Ends = std::map<std::string, std::chrono::sys_seconds>;
    [[nodiscard]] Ends ends() const {
        return ends_.with([](const Ends& ends) { return ends; });
    }
    /// How many removals were refused.
    [[nodiscard]] std::uint64_t refused() const { return refused_; }
    /// How many locks were made longer.
    [[nodiscard]] std::uint64_t extended() const { return extended_; }

private:
    std::optional<std::chrono::sys_seconds> locked_until(const ObjectName& name,
                                                         std::stop_token /*stop*/) override {
        return ends_.with([&](const Ends& ends) {
            const auto found = ends.find(name.text());
            return found != ends.end() && found->second > now() ? std::optional(found->second)
                                                                : std::nullopt;
        });
    }
    void lock_until(const ObjectName& name, std::chrono::sys_seconds until,
                    std::stop_token /*stop*/) override {
        ++extended_;
        ends_.with([&](Ends& ends) { ends[name.text()] = std::max(ends[name.text()], until); });
    }
    bool keeps_removed(std::stop_token /*stop*/) override { return false; }
    void list_removed(const ObjectPrefix& /*prefix*/,
                      const std::function<void(const ObjectInfo&)>& /*visit*/,
                      std::stop_token /*stop*/) override {}
    void bring_back(const ObjectName& /*name*/, std::stop_token /*stop*/) override {}

    [[nodiscard]] std::chrono::sys_seconds now() const {
        return std::chrono::floor<std::chrono::seconds>(clock_.now());
    }

    Storage& inner_;
    const Clock& clock_;
    Options options_;
    Guarded<Ends> ends_;
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::uint64_t> extended_{0};
};

}  // namespace dbbackup
