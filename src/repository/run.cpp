#include "repository/run.hpp"

#include "repository/collector_records.hpp"
#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "repository/version.hpp"
#include "sys/process_identity.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace dbbackup {
namespace {

constexpr std::size_t kRunIdBytes = 16;
constexpr std::size_t kHostNameMax = 256;

}  // namespace

RunId new_run_id() { return to_hex(random_bytes(kRunIdBytes)); }

std::string host_name() {
    std::array<char, kHostNameMax> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) {
        return "localhost";
    }
    return name.data();
}

LivingRun::LivingRun(Storage& storage, const Keys& keys, const Clock& clock, std::string kind,
                     const std::function<ObjectName(const RunId&)>& outcome_of,
                     std::stop_token stop, std::chrono::milliseconds interval)
    : storage_(storage),
      keys_(keys),
      clock_(clock),
      id_(new_run_id()),
      kind_(std::move(kind)),
      outcome_(outcome_of(id_).text()),
      interval_(interval) {
    if (put(0, stop) == PutResult::exists) {
        throw RepositoryError(fmt::format("run {} exists already", id_));
    }
    thread_ = std::jthread([this](std::stop_token ended) { show_life(ended); });
}

LivingRun::~LivingRun() = default;

void LivingRun::record_open(std::vector<RunId> open, std::stop_token stop) {
    open_.with([&open](std::vector<RunId>& kept) { kept = std::move(open); });
    put_next(std::move(stop));
}

PutResult LivingRun::put(std::uint64_t number, std::stop_token stop) {
    const ProcessIdentity process = this_process();
    records::Run record;
    record.set_kind(kind_);
    record.set_outcome(outcome_);
    record.set_host(host_name());
    record.set_process(process.process);
    record.set_machine(process.machine);
    record.set_process_started(process.started);
    record.set_at_ms(clock_.now().time_since_epoch().count());
    record.set_program_version(std::string(kProgramVersion));
    open_.with([&record](const std::vector<RunId>& open) {
        for (const RunId& run : open) {
            record.add_open_runs(run);
        }
    });
    const ObjectName name(fmt::format("runs/{}/{}", id_, number));
    return storage_.put(name, encode_message(keys_, name, RecordKind::run, record),
                        std::move(stop));
}

void LivingRun::put_next(std::stop_token stop) {
    // Another process may go on with the same collection.
    while (put(number_++, stop) == PutResult::exists) {
    }
}

void LivingRun::show_life(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        wake_.wait_for(lock, stop, interval_, [] { return false; });
        if (stop.stop_requested()) {
            return;
        }
        lock.unlock();
        try {
            put_next(stop);
        } catch (const std::exception&) {
            // A missed sign of life only brings the moment nearer at which a collector gives this
            // run up; a real storage failure shows where data is stored.
        }
        lock.lock();
    }
}

Bytes encode_tombstone(const Keys& keys, const ObjectName& outcome, const RunId& by,
                       const std::string& reason) {
    records::Tombstone record;
    record.set_by(by);
    record.set_reason(reason);
    return encode_message(keys, outcome, RecordKind::tombstone, record);
}

}  // namespace dbbackup
