#include "repository/run.hpp"

#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "repository/version.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace dbbackup {
namespace {

constexpr std::size_t kRunIdBytes = 16;
constexpr std::size_t kHostNameMax = 256;

template <class Message>
Bytes encode_one(const Keys& keys, const ObjectName& name, RecordKind kind,
                 const Message& message) {
    const std::string section = serialize(message);
    return encode_record(keys, name, kind, std::span(&section, 1));
}

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
    put(0, stop);
    thread_ = std::jthread([this](std::stop_token ended) { show_life(ended); });
}

LivingRun::~LivingRun() = default;

void LivingRun::put(std::uint64_t number, std::stop_token stop) {
    records::Run record;
    record.set_kind(kind_);
    record.set_outcome(outcome_);
    record.set_host(host_name());
    record.set_process(static_cast<std::uint64_t>(getpid()));
    record.set_at_ms(clock_.now().time_since_epoch().count());
    record.set_program_version(std::string(kProgramVersion));
    const ObjectName name(fmt::format("runs/{}/{}", id_, number));
    const Bytes object = encode_one(keys_, name, RecordKind::run, record);
    if (storage_.put(name, object, stop) == PutResult::exists) {
        throw RepositoryError(fmt::format("run {} exists already", id_));
    }
}

void LivingRun::show_life(std::stop_token stop) {
    std::uint64_t number = 1;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        wake_.wait_for(lock, stop, interval_, [] { return false; });
        if (stop.stop_requested()) {
            return;
        }
        lock.unlock();
        try {
            put(number++, stop);
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
    return encode_one(keys, outcome, RecordKind::tombstone, record);
}

Bytes encode_marker(const Keys& keys, const ObjectName& name, const std::vector<PackName>& packs) {
    records::Marker record;
    for (const PackName& pack : packs) {
        record.add_packs(to_record(pack));
    }
    return encode_one(keys, name, RecordKind::marker, record);
}

Bytes encode_collection(const Keys& keys, const ObjectName& name,
                        const CollectionOutcome& outcome) {
    records::Collection record;
    for (const PackName& pack : outcome.removed_packs) {
        record.add_removed_packs(to_record(pack));
    }
    for (const std::string& index : outcome.removed_indexes) {
        record.add_removed_indexes(index);
    }
    for (const std::string& manifest : outcome.removed_manifests) {
        record.add_removed_manifests(manifest);
    }
    record.set_merged_index(outcome.merged_index);
    return encode_one(keys, name, RecordKind::collection, record);
}

}  // namespace dbbackup
