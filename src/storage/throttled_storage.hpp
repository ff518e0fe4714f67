#pragma once

/// @file
/// Keeps a store from taking more of a line than it may.

#include "base/guarded.hpp"
#include "storage/storage.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace dbbackup {

/// What throttling takes from outside. Both are called from several threads at once.
struct ThrottleEnvironment {
    std::function<std::chrono::steady_clock::time_point()> now;
    /// Waits, or returns early when `stop` fires.
    std::function<void(std::chrono::milliseconds, std::stop_token)> wait;

    /// The machine's clock, and an interruptible wait.
    [[nodiscard]] static ThrottleEnvironment system();
};

/// A token bucket that holds the bytes of one second. Thread-safe: all that share it get no more
/// together than one would alone, in the order in which they ask.
class BandwidthLimit {
public:
    /// @param bytes_per_s At least 1.
    BandwidthLimit(std::uint64_t bytes_per_s, ThrottleEnvironment environment);

    /// Returns once so many bytes may have moved: however often it is called, after t seconds at
    /// most (t + 1) * `bytes_per_s` bytes were paid for. @throws Cancelled when `stop` fires.
    void pay(std::size_t bytes, const std::stop_token& stop);

private:
    using Time = std::chrono::steady_clock::time_point;

    double bytes_per_s_;
    ThrottleEnvironment environment_;
    Guarded<Time> paid_until_;  ///< When all that was asked for has been paid.
};

/// Limits the contents of objects, each way by itself; as safe to use from several threads as the
/// store below. A put waits before it sends; a read waits after it has received, because only then
/// is known how much that was. An object moves at once: what is limited is the mean over some.
class ThrottledStorage final : public Storage {
public:
    ThrottledStorage(std::unique_ptr<Storage> inner, std::uint64_t bytes_per_s,
                     ThrottleEnvironment environment);

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
    [[nodiscard]] std::string url() const override { return inner_->url(); }
    [[nodiscard]] StorageCapabilities capabilities() const override {
        return inner_->capabilities();
    }
    [[nodiscard]] ObjectProtection* protection() override { return inner_->protection(); }

private:
    class ThrottledUpload;

    [[nodiscard]] std::optional<Bytes> paid(std::optional<Bytes> content,
                                            const std::stop_token& stop);

    std::unique_ptr<Storage> inner_;
    BandwidthLimit up_;
    BandwidthLimit down_;
};

}  // namespace dbbackup
