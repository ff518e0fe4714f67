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

bool is_init_probe(const ObjectName& name) {
    return name.text().starts_with("runs/") && name.leaf() == kProbeLeaf;
}

}  // namespace dbbackup
