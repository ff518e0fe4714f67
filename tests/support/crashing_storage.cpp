#include "support/crashing_storage.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

namespace dbbackup {
namespace {

[[noreturn]] void fail(const StorageCall& call) {
    throw StorageError(
        fmt::format("cannot {} '{}': the storage died", operation_name(call.operation), call.name));
}

}  // namespace

CrashingStorage::CrashingStorage(Storage& inner, std::uint32_t survived)
    : CrashingStorage(inner, survived, Options{}) {}

CrashingStorage::CrashingStorage(Storage& inner, std::uint32_t survived, Options options)
    : FaultyStorage(inner, dying_faults()), survived_(survived), options_(options) {}

/// The hooks hold `this`; they run only after construction.
Faults CrashingStorage::dying_faults() {
    Faults faults;
    faults.before = [this](const StorageCall& call) { before(call); };
    faults.after = [this](const StorageCall& call) { after(call); };
    return faults;
}

void CrashingStorage::before(const StorageCall& call) {
    if (is_dead_.load()) {
        fail(call);
    }
    const bool is_counted = options_.counts == Counts::all || is_write(call.operation);
    if (!is_counted || counted_.fetch_add(1) < survived_) {
        return;
    }
    const bool is_first = !is_dead_.exchange(true);
    if (is_first && options_.first_failure == FirstFailure::done) {
        unanswered_ordinal_.store(call.ordinal);
        return;
    }
    fail(call);
}

void CrashingStorage::after(const StorageCall& call) {
    if (unanswered_ordinal_.load() == call.ordinal) {
        fail(call);
    }
}

}  // namespace dbbackup
