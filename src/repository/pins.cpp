#include "repository/pins.hpp"

#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "repository/run.hpp"
#include "storage/listing.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::string_view kEnd = ".end";
constexpr const char* kUnreadable = "(its reason cannot be read)";

/// Nothing for a tombstone.
std::optional<Pin> read_pin(Storage& storage, const Keys& keys, const ObjectName& name,
                            std::stop_token stop) {
    Pin pin{std::string(name.leaf()), kUnreadable};
    try {
        const std::optional<Bytes> object = storage.get(name, std::move(stop));
        if (!object) {
            return pin;  // No program deletes pins, so this is a storage that answers late.
        }
        const Record record = decode_record(keys, name, *object);
        if (record.kind == RecordKind::tombstone) {
            return std::nullopt;
        }
        if (record.kind == RecordKind::pin) {
            pin.reason = parse_record<records::Pin>(record.sections.front()).reason();
        }
    } catch (const CorruptionError&) {
        // Counts, with the reason as it is.
    }
    return pin;
}

bool is_end(Storage& storage, const Keys& keys, const ObjectName& name, std::stop_token stop) {
    try {
        const std::optional<Bytes> object = storage.get(name, std::move(stop));
        return object && decode_record(keys, name, *object).kind == RecordKind::pin_end;
    } catch (const CorruptionError&) {
        return false;
    }
}

}  // namespace

ObjectName pin_object_name(const SnapshotId& snapshot, const RunId& run) {
    return ObjectName(fmt::format("pins/{}/{}", snapshot, run));
}

ObjectName pin_end_object_name(const SnapshotId& snapshot, const RunId& run) {
    return ObjectName(fmt::format("pins/{}/{}{}", snapshot, run, kEnd));
}

Bytes encode_pin(const Keys& keys, const ObjectName& name, const std::string& reason, Time at) {
    records::Pin record;
    record.set_reason(reason);
    record.set_host(host_name());
    record.set_at_ms(at.time_since_epoch().count());
    return encode_message(keys, name, RecordKind::pin, record);
}

Bytes encode_pin_end(const Keys& keys, const ObjectName& name, Time at) {
    records::PinEnd record;
    record.set_host(host_name());
    record.set_at_ms(at.time_since_epoch().count());
    return encode_message(keys, name, RecordKind::pin_end, record);
}

Pins read_pins(Storage& storage, const Keys& keys, std::stop_token stop) {
    const std::vector<ObjectName> names = names_below(storage, "pins", stop);
    std::set<std::string> ended;
    for (const ObjectName& name : names) {
        if (name.leaf().ends_with(kEnd) && is_end(storage, keys, name, stop)) {
            ended.insert(name.text().substr(0, name.text().size() - kEnd.size()));
        }
    }
    Pins pins;
    for (const ObjectName& name : names) {
        const std::string& text = name.text();
        const std::size_t begin = text.find('/') + 1;
        const std::size_t end = text.find('/', begin);
        if (name.leaf().ends_with(kEnd) || ended.contains(text) || end == std::string::npos) {
            continue;
        }
        if (std::optional<Pin> pin = read_pin(storage, keys, name, stop)) {
            pins[text.substr(begin, end - begin)].push_back(std::move(*pin));
        }
    }
    return pins;
}

std::map<SnapshotId, std::string> pin_reasons(const Pins& pins) {
    std::map<SnapshotId, std::string> reasons;
    for (const auto& [snapshot, of_snapshot] : pins) {
        std::string& text = reasons[snapshot];
        for (const Pin& pin : of_snapshot) {
            text += (text.empty() ? "" : "; ") + pin.reason;
        }
    }
    return reasons;
}

}  // namespace dbbackup
