#include "storage/retrying_storage.hpp"

#include "base/guarded.hpp"
#include "base/wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace dbbackup {

using std::chrono::milliseconds;

namespace {

/// Outside of what is repeated: an error of `visit` is not ours to repeat.
void visit_all(const std::vector<ObjectInfo>& infos,
               const std::function<void(const ObjectInfo&)>& visit, const std::stop_token& stop) {
    for (const ObjectInfo& info : infos) {
        throw_if_stopped(stop);
        visit(info);
    }
}

}  // namespace

RetryEnvironment RetryEnvironment::system() {
    RetryEnvironment result;
    result.now = [] { return std::chrono::steady_clock::now(); };
    result.wait = wait_unless_stopped;
    // Shared, because std::function copies what it holds and all copies use one generator.
    auto generator =
        std::make_shared<Guarded<std::mt19937_64>>(std::mt19937_64(std::random_device{}()));
    result.random = [generator] {
        return generator->with([](std::mt19937_64& numbers) {
            return std::uniform_real_distribution<double>(0.0, 1.0)(numbers);
        });
    };
    return result;
}

RetryingStorage::RetryingStorage(std::unique_ptr<Storage> inner, RetryPolicy policy,
                                 RetryEnvironment environment)
    : inner_(std::move(inner)), policy_(policy), environment_(std::move(environment)) {}

/// Rethrows the error in flight when there is no time left.
void RetryingStorage::wait_before_retry(Error& error, std::chrono::steady_clock::time_point started,
                                        std::uint32_t tries, const std::stop_token& stop) const {
    // More doublings would overflow, and every sensible limit is reached long before.
    constexpr std::uint32_t kDoublingsMax = 20;
    const std::int64_t factor = std::int64_t{1} << std::min(tries - 1, kDoublingsMax);
    const milliseconds limit = std::min(policy_.wait_max, policy_.wait_first * factor);
    const milliseconds drawn(
        static_cast<std::int64_t>(static_cast<double>(limit.count()) * environment_.random()));
    const milliseconds wait = std::max(drawn, milliseconds(error.retry_after()));
    if (environment_.now() - started + wait > policy_.deadline) {
        if (tries > 1) {
            error.add_context(fmt::format("gave up after {} tries", tries));
        }
        throw;
    }
    if (environment_.on_retry) {
        environment_.on_retry(error, wait);
    }
    environment_.wait(wait, stop);
    throw_if_stopped(stop);
}

/// Calls `action(number of failed tries)` until it returns or fails for good.
template <class Action>
auto RetryingStorage::persist(const std::stop_token& stop, Action action) {
    const auto started = environment_.now();
    for (std::uint32_t failed = 0;;) {
        try {
            return action(failed);
        } catch (Error& error) {
            ++failed;
            if (error.retry() != Retry::may_help) {
                throw;
            }
            wait_before_retry(error, started, failed, stop);
        }
    }
}

PutResult RetryingStorage::put(const ObjectName& name, BytesView content, std::stop_token stop) {
    return persist(stop, [&](std::uint32_t failed) {
        const PutResult result = inner_->put(name, content, stop);
        if (result == PutResult::created || failed == 0) {
            return result;
        }
        const std::optional<Bytes> stored = inner_->get(name, stop);
        if (!stored) {
            throw StorageError(fmt::format("cannot store {}: it came and went again", name.text()),
                               Retry::may_help);
        }
        const bool is_ours =
            std::equal(stored->begin(), stored->end(), content.begin(), content.end());
        return is_ours ? PutResult::created : PutResult::exists;
    });
}

/// One thread at a time uses it.
class RetryingStorage::RetryingUpload final : public Upload {
public:
    RetryingUpload(std::unique_ptr<Upload> inner, RetryingStorage& storage)
        : inner_(std::move(inner)), storage_(storage) {}

    void write(BytesView piece, std::stop_token stop) override {
        storage_.persist(stop, [&](std::uint32_t) { inner_->write(piece, stop); });
    }

    PutResult commit(std::stop_token stop) override {
        return storage_.persist(stop, [&](std::uint32_t) { return inner_->commit(stop); });
    }

private:
    std::unique_ptr<Upload> inner_;
    RetryingStorage& storage_;
};

std::unique_ptr<Upload> RetryingStorage::begin_upload(const ObjectName& name,
                                                      std::stop_token stop) {
    return std::make_unique<RetryingUpload>(
        persist(stop, [&](std::uint32_t) { return inner_->begin_upload(name, stop); }), *this);
}

void RetryingStorage::end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) {
    persist(stop, [&](std::uint32_t) { inner_->end_abandoned_uploads(silence, stop); });
}

std::optional<Bytes> RetryingStorage::get(const ObjectName& name, std::stop_token stop) {
    return persist(stop, [&](std::uint32_t) { return inner_->get(name, stop); });
}

std::optional<Bytes> RetryingStorage::get_range(const ObjectName& name, ByteRange range,
                                                std::stop_token stop) {
    return persist(stop, [&](std::uint32_t) { return inner_->get_range(name, range, stop); });
}

std::optional<std::uint64_t> RetryingStorage::size_bytes(const ObjectName& name,
                                                         std::stop_token stop) {
    return persist(stop, [&](std::uint32_t) { return inner_->size_bytes(name, stop); });
}

void RetryingStorage::list(const ObjectPrefix& prefix,
                           const std::function<void(const ObjectInfo&)>& visit,
                           std::stop_token stop) {
    const auto infos = persist(stop, [&](std::uint32_t) {
        std::vector<ObjectInfo> found;
        inner_->list(prefix, [&found](const ObjectInfo& info) { found.push_back(info); }, stop);
        return found;
    });
    visit_all(infos, visit, stop);
}

void RetryingStorage::remove(const ObjectName& name, std::stop_token stop) {
    persist(stop, [&](std::uint32_t) { inner_->remove(name, stop); });
}

StorageCapabilities RetryingStorage::capabilities() const { return inner_->capabilities(); }

ObjectProtection* RetryingStorage::protection() {
    return inner_->protection() == nullptr ? nullptr : this;
}

std::optional<std::chrono::sys_seconds> RetryingStorage::locked_until(const ObjectName& name,
                                                                      std::stop_token stop) {
    return persist(stop,
                   [&](std::uint32_t) { return inner_->protection()->locked_until(name, stop); });
}

void RetryingStorage::lock_until(const ObjectName& name, std::chrono::sys_seconds until,
                                 std::stop_token stop) {
    persist(stop, [&](std::uint32_t) { inner_->protection()->lock_until(name, until, stop); });
}

bool RetryingStorage::keeps_removed(std::stop_token stop) {
    return persist(stop, [&](std::uint32_t) { return inner_->protection()->keeps_removed(stop); });
}

void RetryingStorage::list_removed(const ObjectPrefix& prefix,
                                   const std::function<void(const ObjectInfo&)>& visit,
                                   std::stop_token stop) {
    const auto infos = persist(stop, [&](std::uint32_t) {
        std::vector<ObjectInfo> found;
        inner_->protection()->list_removed(
            prefix, [&found](const ObjectInfo& info) { found.push_back(info); }, stop);
        return found;
    });
    visit_all(infos, visit, stop);
}

void RetryingStorage::bring_back(const ObjectName& name, std::stop_token stop) {
    persist(stop, [&](std::uint32_t) { inner_->protection()->bring_back(name, stop); });
}

}  // namespace dbbackup
