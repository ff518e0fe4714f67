#include "engine/throttled_session.hpp"

#include <stop_token>
#include <utility>

namespace dbbackup {
namespace {

/// Passes on what comes, and pays for it.
class PayingSink final : public SegmentSink {
public:
    PayingSink(SegmentSink& inner, BandwidthLimit& limit, std::stop_token stop)
        : inner_(inner), limit_(limit), stop_(std::move(stop)) {}

    void pages(std::uint64_t first, BytesView bytes) override {
        inner_.pages(first, bytes);
        limit_.pay(bytes.size(), stop_);
    }
    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override {
        inner_.rows(bytes, row_ends);
        limit_.pay(bytes.size(), stop_);
    }
    void opaque(BytesView bytes) override {
        inner_.opaque(bytes);
        limit_.pay(bytes.size(), stop_);
    }

private:
    SegmentSink& inner_;
    BandwidthLimit& limit_;
    std::stop_token stop_;
};

class ThrottledSession final : public Session {
public:
    ThrottledSession(std::unique_ptr<Session> inner, std::uint64_t bytes_per_s,
                     ThrottleEnvironment environment)
        : inner_(std::move(inner)), limit_(bytes_per_s, std::move(environment)) {}

    std::vector<StreamPlan> plan() override { return inner_->plan(); }
    [[nodiscard]] Capture capture() const override { return inner_->capture(); }
    [[nodiscard]] std::string reason() const override { return inner_->reason(); }
    [[nodiscard]] unsigned readers_max() const override { return inner_->readers_max(); }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override {
        PayingSink paying(sink, limit_, stop);
        inner_->read(stream, segment, paying, std::move(stop));
    }
    SessionEnd finish(std::stop_token stop) override { return inner_->finish(std::move(stop)); }
    [[nodiscard]] std::size_t view_count() const override { return inner_->view_count(); }
    void next_view() override { inner_->next_view(); }

private:
    std::unique_ptr<Session> inner_;
    BandwidthLimit limit_;
};

}  // namespace

std::unique_ptr<Session> throttled(std::unique_ptr<Session> session,
                                   std::optional<std::uint64_t> bytes_per_s,
                                   ThrottleEnvironment environment) {
    if (!bytes_per_s) {
        return session;
    }
    return std::make_unique<ThrottledSession>(std::move(session), *bytes_per_s,
                                              std::move(environment));
}

}  // namespace dbbackup
