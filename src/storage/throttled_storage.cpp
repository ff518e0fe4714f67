#include "storage/throttled_storage.hpp"

#include "storage/operation.hpp"
#include "storage/retrying_storage.hpp"

#include <algorithm>
#include <utility>

namespace dbbackup {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// What a store that was idle may send or receive at once, as time.
constexpr std::chrono::seconds kBurst{1};

}  // namespace

ThrottleEnvironment ThrottleEnvironment::system() {
    RetryEnvironment machine = RetryEnvironment::system();
    return {std::move(machine.now), std::move(machine.wait)};
}

BandwidthLimit::BandwidthLimit(std::uint64_t bytes_per_s, ThrottleEnvironment environment)
    : bytes_per_s_(static_cast<double>(std::max<std::uint64_t>(bytes_per_s, 1))),
      environment_(std::move(environment)),
      paid_until_(environment_.now() - kBurst) {}

void BandwidthLimit::pay(std::size_t bytes, const std::stop_token& stop) {
    throw_if_stopped(stop);
    const auto cost = std::chrono::duration_cast<steady_clock::duration>(
        duration<double>(static_cast<double>(bytes) / bytes_per_s_));
    const Time mine = paid_until_.with([&](Time& paid_until) {
        paid_until = std::max(paid_until, environment_.now() - kBurst) + cost;
        return paid_until;
    });
    for (;;) {
        const auto left = mine - environment_.now();
        if (left <= steady_clock::duration::zero()) {
            return;
        }
        environment_.wait(std::chrono::ceil<milliseconds>(left), stop);
        throw_if_stopped(stop);
    }
}

ThrottledStorage::ThrottledStorage(std::unique_ptr<Storage> inner, std::uint64_t bytes_per_s,
                                   ThrottleEnvironment environment)
    : inner_(std::move(inner)),
      up_(bytes_per_s, environment),
      down_(bytes_per_s, std::move(environment)) {}

std::optional<Bytes> ThrottledStorage::paid(std::optional<Bytes> content,
                                            const std::stop_token& stop) {
    if (content) {
        down_.pay(content->size(), stop);
    }
    return content;
}

PutResult ThrottledStorage::put(const ObjectName& name, BytesView content, std::stop_token stop) {
    up_.pay(content.size(), stop);
    return inner_->put(name, content, std::move(stop));
}

/// One thread at a time uses it.
class ThrottledStorage::ThrottledUpload final : public Upload {
public:
    ThrottledUpload(ObjectName name, std::unique_ptr<Upload> inner, BandwidthLimit& up)
        : name_(std::move(name)), inner_(std::move(inner)), up_(up) {}

    void write(BytesView piece, std::stop_token stop) override {
        if (!is_writing_) {  // A write that is repeated goes on where it stopped.
            is_writing_ = true;
            up_.pay(piece.size(), stop);
        }
        inner_->write(piece, std::move(stop));
        is_writing_ = false;
    }

    PutResult commit(std::stop_token stop) override {
        if (is_writing_) {  // The store below does not know, where paying was given up.
            throw unfinished_write(name_);
        }
        return inner_->commit(std::move(stop));
    }

private:
    ObjectName name_;
    std::unique_ptr<Upload> inner_;
    BandwidthLimit& up_;
    bool is_writing_ = false;
};

std::unique_ptr<Upload> ThrottledStorage::begin_upload(const ObjectName& name,
                                                       std::stop_token stop) {
    return std::make_unique<ThrottledUpload>(name, inner_->begin_upload(name, std::move(stop)),
                                             up_);
}

void ThrottledStorage::end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) {
    inner_->end_abandoned_uploads(silence, std::move(stop));
}

std::optional<Bytes> ThrottledStorage::get(const ObjectName& name, std::stop_token stop) {
    return paid(inner_->get(name, stop), stop);
}

std::optional<Bytes> ThrottledStorage::get_range(const ObjectName& name, ByteRange range,
                                                 std::stop_token stop) {
    return paid(inner_->get_range(name, range, stop), stop);
}

std::optional<std::uint64_t> ThrottledStorage::size_bytes(const ObjectName& name,
                                                          std::stop_token stop) {
    return inner_->size_bytes(name, std::move(stop));
}

void ThrottledStorage::list(const ObjectPrefix& prefix,
                            const std::function<void(const ObjectInfo&)>& visit,
                            std::stop_token stop) {
    inner_->list(prefix, visit, std::move(stop));
}

void ThrottledStorage::remove(const ObjectName& name, std::stop_token stop) {
    inner_->remove(name, std::move(stop));
}

}  // namespace dbbackup
