#include "engine/lock_extension.hpp"

#include "pipeline/ordered_workers.hpp"
#include "repository/object_kinds.hpp"
#include "repository/pack.hpp"
#include "storage/object_protection.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

constexpr unsigned kRequestsAtOnce = 8;
/// Names weigh little, and none is made before a request is near.
constexpr std::uint64_t kWaitingMax = 64;

std::set<std::string> removed_names(const CollectorRecords& records) {
    std::set<std::string> names = records.removed_manifests();
    names.merge(records.removed_indexes());
    for (const PackName& pack : records.removed_packs()) {
        names.insert(pack_object_name(pack).text());
    }
    return names;
}

}  // namespace

void find_locked(Storage& storage, const std::vector<ObjectInfo>& objects, LockedObjects& locked,
                 std::stop_token stop) {
    ObjectProtection* const protection = storage.protection();
    if (protection == nullptr || storage.capabilities().lock.count() == 0 || objects.empty()) {
        return;
    }
    using Asked = std::pair<const ObjectInfo*, std::optional<std::chrono::sys_seconds>>;
    OrderedWorkers<const ObjectInfo*, Asked> workers(
        kRequestsAtOnce, kWaitingMax,
        [&](const ObjectInfo* object, unsigned) {
            return Asked(object, protection->locked_until(object->name, stop));
        },
        [&locked](const Asked& asked) {
            if (asked.second) {
                locked.add(asked.first->name, asked.first->size_bytes, asked.second);
            }
        },
        stop);
    for (const ObjectInfo& object : objects) {
        workers.push(&object, 1);
    }
    workers.finish();
}

std::uint64_t extend_locks(Repository& repository, const CollectorRecords& records,
                           LockPasses& passes, std::chrono::sys_seconds now, LockChange change,
                           std::stop_token stop) {
    Storage& storage = repository.storage();
    ObjectProtection* const protection = storage.protection();
    const std::chrono::days lock = storage.capabilities().lock;
    if (protection == nullptr || lock.count() == 0) {
        return 0;
    }
    const std::set<std::string> removed = removed_names(records);
    const ObjectRules rules = repository_object_rules();
    std::uint64_t count = 0;
    OrderedWorkers<ObjectName, bool> workers(
        kRequestsAtOnce, kWaitingMax,
        [&](const ObjectName& name, unsigned) {
            protection->lock_until(name, now + lock, stop);
            return true;
        },
        [&count](bool) { ++count; }, stop);
    std::uint64_t due = 0;
    // The whole place: `config` lies in no folder.
    storage.list(
        ObjectPrefix(),
        [&](const ObjectInfo& info) {
            if (rules.lasts(info.name) && !removed.contains(info.name.text()) &&
                passes.is_due(info.modified_at, now)) {
                ++due;
                if (change == LockChange::extend) {
                    workers.push(info.name, 1);
                }
            }
        },
        stop);
    workers.finish();
    if (change == LockChange::extend && count > 0) {
        passes.add(now);
        passes.save();
    }
    return due;
}

}  // namespace dbbackup
