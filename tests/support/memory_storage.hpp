#pragma once

/// @file
/// A store in memory, for tests: quick, exact, and without a disk to clean up.

#include "base/clock.hpp"
#include "storage/storage.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace dbbackup {

/// Keeps objects in a map. Like file systems and some cloud stores it refuses a name below an
/// object and an object where names lie below (`a` and `a/b`). Safe to use from several threads.
class MemoryStorage final : public Storage {
public:
    struct Options {
        const Clock* clock = nullptr;  ///< For `modified_at`; must outlive every handle.
        StorageCapabilities capabilities{.is_local = true, .listing_delay = {}};
        std::string url = "memory://test";
    };

    MemoryStorage();
    explicit MemoryStorage(Options options);

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override;
    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override;
    void end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) override;
    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override;
    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override;
    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override;
    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override;
    void remove(const ObjectName& name, std::stop_token stop) override;
    [[nodiscard]] std::string url() const override;
    [[nodiscard]] StorageCapabilities capabilities() const override;

    /// Another handle to the same objects, as a second process would have.
    [[nodiscard]] std::unique_ptr<MemoryStorage> handle() const;
    /// A store of its own that starts with the same objects.
    [[nodiscard]] std::unique_ptr<MemoryStorage> clone() const;

    /// Everything stored, by name.
    [[nodiscard]] std::map<std::string, Bytes> contents() const;
    /// Changes a stored object behind the interface's back, as a failing disk would.
    /// @throws StorageError when there is no such object.
    void damage(const ObjectName& name, const std::function<void(Bytes&)>& change);

private:
    struct State;
    explicit MemoryStorage(std::shared_ptr<State> state);

    // Shared, because every handle must see the same objects and any of them may live longest.
    std::shared_ptr<State> state_;
};

}  // namespace dbbackup
