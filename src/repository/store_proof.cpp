#include "repository/store_proof.hpp"

#include "base/error.hpp"
#include "repository/run.hpp"
#include "storage/locked_objects.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::string_view kProbeLeaf = "probe";

}  // namespace

void prove_create_if_absent(Storage& storage, std::stop_token stop) {
    const ObjectName probe("runs/" + new_run_id() + "/" + std::string(kProbeLeaf));
    const PutResult first = storage.put(probe, as_bytes("first"), stop);
    const PutResult second = storage.put(probe, as_bytes("second"), stop);
    const std::optional<Bytes> content = storage.get(probe, stop);
    // A bucket may lock whatever is put there; the proof is in what came back.
    LockedObjects locked;
    static_cast<void>(remove_unless_locked(storage, probe, 0, locked, stop));
    if (first != PutResult::created || second != PutResult::exists || !content ||
        as_text(*content) != "first") {
        throw explained<RepositoryError>(
            fmt::format("{} does not honour create-if-absent", storage.url()),
            "db-backup cannot keep data safe there; choose another store.", "store_unsafe");
    }
}

WriteTrial try_write(Storage& storage, const std::stop_token& stop) {
    const std::string folder = "runs/" + new_run_id();
    const ObjectName probe(folder + "/" + std::string(kProbeLeaf));
    static_cast<void>(storage.put(probe, as_bytes("doctor"), stop));
    WriteTrial trial;
    storage.list(
        ObjectPrefix(folder),
        [&trial](const ObjectInfo& info) { trial.stored_at = info.modified_at; }, stop);
    try {
        LockedObjects locked;
        trial.is_removed = remove_unless_locked(storage, probe, 0, locked, stop);
    } catch (const StorageError&) {
        trial.is_removed = false;  // Credentials that may only add are a good choice.
    }
    return trial;
}

bool is_init_probe(const ObjectName& name) {
    return name.text().starts_with("runs/") && name.leaf() == kProbeLeaf;
}

}  // namespace dbbackup
