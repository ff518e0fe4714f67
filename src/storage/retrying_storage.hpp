#pragma once

/// @file
/// Tries again what a store says may work on a second try, so that no other part has to.

#include "base/error.hpp"
#include "storage/object_protection.hpp"
#include "storage/operation.hpp"
#include "storage/storage.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace dbbackup {

/// How long and how often to try.
struct RetryPolicy {
    /// Before the first retry at most this; then at most twice as much each time.
    std::chrono::milliseconds wait_first{200};
    std::chrono::milliseconds wait_max{20'000};
    /// No wait begins that would end later than this after the start of the call.
    std::chrono::milliseconds deadline{300'000};
};

/// What retrying takes from outside. All functions are called from several threads at once.
struct RetryEnvironment {
    std::function<std::chrono::steady_clock::time_point()> now;
    /// Waits, or returns early when `stop` fires.
    std::function<void(std::chrono::milliseconds, std::stop_token)> wait;
    /// A number in [0, 1).
    std::function<double()> random;
    /// Told before each wait; may be empty.
    std::function<void(const Error& error, std::chrono::milliseconds wait)> on_retry;

    /// The machine's clock, an interruptible wait, and a generator of its own.
    [[nodiscard]] static RetryEnvironment system();
};

/// Repeats calls that failed with `Retry::may_help`, after waits with exponential backoff and full
/// jitter, and no sooner than the store wants them, until the deadline; then the last error goes on
/// with the number of tries as context. As safe to use from several threads as the store below.
///
/// Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter).
///
/// A put whose answer got lost may find its own object on the next try: it is read back, and our
/// own bytes mean `created` (docs/protocol.md). Of an upload each step is repeated by itself. A
/// listing is collected before anything is visited, so that nothing is visited twice.
class RetryingStorage final : public Storage, private ObjectProtection {
public:
    RetryingStorage(std::unique_ptr<Storage> inner, RetryPolicy policy,
                    RetryEnvironment environment);

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
    [[nodiscard]] StorageCapabilities capabilities() const override;
    [[nodiscard]] ObjectProtection* protection() override;

private:
    class RetryingUpload;

    std::optional<std::chrono::sys_seconds> locked_until(const ObjectName& name,
                                                         std::stop_token stop) override;
    void lock_until(const ObjectName& name, std::chrono::sys_seconds until,
                    std::stop_token stop) override;
    bool keeps_removed(std::stop_token stop) override;
    void list_removed(const ObjectPrefix& prefix,
                      const std::function<void(const ObjectInfo&)>& visit,
                      std::stop_token stop) override;
    void bring_back(const ObjectName& name, std::stop_token stop) override;

    template <class Action>
    auto persist(const std::stop_token& stop, Action action);
    void wait_before_retry(Error& error, std::chrono::steady_clock::time_point started,
                           std::uint32_t tries, const std::stop_token& stop) const;

    std::unique_ptr<Storage> inner_;
    RetryPolicy policy_;
    RetryEnvironment environment_;
};

}  // namespace dbbackup
