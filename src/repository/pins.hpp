#pragma once

/// @file
/// Pins: snapshots that nothing may remove, and why (docs/protocol.md, "Pins").

#include "base/clock.hpp"
#include "repository/keys.hpp"
#include "repository/repository.hpp"
#include "storage/storage.hpp"

#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// The word for a pin in `runs/<run>/<n>`.
inline constexpr const char* kPinKind = "pin";

/// One pin that counts: it stands, is no tombstone, and nobody has ended it.
struct Pin {
    RunId run;
    std::string reason;
};

/// Pins by snapshot; those of snapshots that are gone, too.
using Pins = std::map<SnapshotId, std::vector<Pin>>;

/// `pins/<snapshot>/<run>`
[[nodiscard]] ObjectName pin_object_name(const SnapshotId& snapshot, const RunId& run);
/// `pins/<snapshot>/<run>.end`
[[nodiscard]] ObjectName pin_end_object_name(const SnapshotId& snapshot, const RunId& run);

[[nodiscard]] Bytes encode_pin(const Keys& keys, const ObjectName& name, const std::string& reason,
                               Time at);
[[nodiscard]] Bytes encode_pin_end(const Keys& keys, const ObjectName& name, Time at);

/// Lists `pins/` and reads what counts. A pin that cannot be read counts, and so does one whose end
/// cannot be read: in doubt a snapshot stays.
[[nodiscard]] Pins read_pins(Storage& storage, const Keys& keys, std::stop_token stop);

/// For each pinned snapshot why: all reasons, joined by "; ".
[[nodiscard]] std::map<SnapshotId, std::string> pin_reasons(const Pins& pins);

}  // namespace dbbackup
