#include "engine/undelete.hpp"

#include "base/error.hpp"
#include "pipeline/ordered_workers.hpp"
#include "repository/object_kinds.hpp"
#include "storage/object_protection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace dbbackup {
namespace {

constexpr unsigned kRequestsAtOnce = 8;
constexpr std::uint64_t kWaitingMax = 64;

bool is_manifest(const ObjectName& name) { return name.text().starts_with("manifests/"); }

class Undeleter {
public:
    Undeleter(Storage& storage, ObjectProtection& protection, const Clock& clock,
              std::stop_token stop)
        : protection_(protection),
          lock_(storage.capabilities().lock),
          now_(std::chrono::floor<std::chrono::seconds>(clock.now())),
          rules_(repository_object_rules()),
          stop_(std::move(stop)) {}

    template <class Names>
    void bring_back(const Names& names) {
        OrderedWorkers<ObjectName, bool> workers(
            kRequestsAtOnce, kWaitingMax,
            [this](const ObjectName& name, unsigned) {
                protection_.bring_back(name, stop_);
                if (lock_.count() > 0 && rules_.lasts(name)) {
                    protection_.lock_until(name, now_ + lock_, stop_);
                }
                return true;
            },
            [](bool) {}, stop_);
        for (const ObjectName& name : names) {
            workers.push(name, 1);
        }
        workers.finish();
    }

private:
    ObjectProtection& protection_;
    std::chrono::days lock_;
    std::chrono::sys_seconds now_;
    ObjectRules rules_;
    std::stop_token stop_;
};

}  // namespace

UndeleteReport undelete(Storage& storage, bool is_dry_run, const Clock& clock,
                        std::stop_token stop) {
    ObjectProtection* const protection = storage.protection();
    if (protection == nullptr) {
        throw explained<ConfigError>(
            fmt::format("{} keeps nothing of what was removed", storage.url()),
            "Only cloud stores do, in buckets that keep versions or deleted objects.",
            "undelete_unsupported");
    }
    UndeleteReport report;
    protection->list_removed(
        ObjectPrefix(),
        [&report](const ObjectInfo& info) {
            report.objects.push_back(info.name);
            report.bytes += info.size_bytes;
        },
        stop);
    // Nobody sees a snapshot before the rest of it is there.
    const auto manifests = std::ranges::stable_partition(
        report.objects, [](const ObjectName& name) { return !is_manifest(name); });
    if (!is_dry_run) {
        Undeleter undeleter(storage, *protection, clock, stop);
        undeleter.bring_back(std::ranges::subrange(report.objects.begin(), manifests.begin()));
        undeleter.bring_back(manifests);
    }
    return report;
}

}  // namespace dbbackup
