#include "repository/runs.hpp"

#include "base/error.hpp"
#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "repository/repository.hpp"
#include "repository/run.hpp"
#include "repository/store_proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <map>

namespace dbbackup {
namespace {

struct Sign {
    std::uint64_t number = 0;
    ObjectInfo info;
};

/// @throws CorruptionError for a name that no run writes.
std::uint64_t number_of(const ObjectName& name) {
    std::uint64_t number = 0;
    const std::string_view leaf = name.leaf();
    const auto [end, error] = std::from_chars(leaf.data(), leaf.data() + leaf.size(), number);
    if (error != std::errc() || end != leaf.data() + leaf.size()) {
        throw CorruptionError(fmt::format("{} is no sign of a run", name.text()));
    }
    return number;
}

/// `runs/<run>/<n>`: the signs of each run.
std::map<RunId, std::vector<Sign>> list_signs(Storage& storage, std::stop_token stop) {
    std::map<RunId, std::vector<Sign>> signs;
    storage.list(
        ObjectPrefix("runs"),
        [&signs](const ObjectInfo& info) {
            if (is_init_probe(info.name)) {
                return;
            }
            const std::string& text = info.name.text();
            const std::size_t begin = text.find('/') + 1;
            signs[text.substr(begin, text.find('/', begin) - begin)].push_back(
                {number_of(info.name), info});
        },
        std::move(stop));
    return signs;
}

/// Takes over what one sign says. Returns false when it has gone.
bool read_sign(Storage& storage, const Keys& keys, const Sign& sign, KnownRun& run,
               std::stop_token stop) {
    const std::optional<Bytes> object = storage.get(sign.info.name, std::move(stop));
    if (!object) {
        return false;
    }
    const Record record = decode_record(keys, sign.info.name, *object, {RecordKind::run});
    const auto said = parse_record<records::Run>(record.sections.front());
    if (!ObjectName::is_valid(said.outcome()) ||
        ObjectName(said.outcome()).leaf() != std::string_view(run.id)) {
        throw CorruptionError(fmt::format("{} names no outcome", sign.info.name.text()));
    }
    run.kind = said.kind();
    run.outcome = ObjectName(said.outcome());
    run.host = said.host();
    run.process = {said.machine(), said.process(), said.process_started()};
    return true;
}

/// The newest sign that can be read says it all; nothing when all have gone.
std::optional<KnownRun> read_run(Storage& storage, const Keys& keys, const RunId& id,
                                 std::vector<Sign> signs, const std::stop_token& stop) {
    std::sort(signs.begin(), signs.end(),
              [](const Sign& left, const Sign& right) { return left.number > right.number; });
    KnownRun run;
    run.id = id;
    run.newest_sign = signs.front().number;
    for (const Sign& sign : signs) {
        run.objects.push_back(sign.info.name);
        run.seen_at = std::max(run.seen_at, sign.info.modified_at);
    }
    std::exception_ptr damage;
    for (const Sign& sign : signs) {
        try {
            if (read_sign(storage, keys, sign, run, stop)) {
                return run;
            }
        } catch (const CorruptionError&) {
            damage = std::current_exception();
        }
    }
    if (damage) {
        std::rethrow_exception(damage);
    }
    return std::nullopt;
}

/// Of so many runs it is asked one by one whether their outcome stands.
constexpr std::ptrdiff_t kAskedForMax = 3;

/// Sets `is_decided` of those whose outcome stands. Of many writers one listing tells it, unless a
/// listing may be older than what was written.
void look_for_outcomes(Storage& storage, std::vector<KnownRun>& runs, const std::stop_token& stop) {
    const auto is_asked_for = [](const KnownRun& run) { return !run.is_decided; };
    const ObjectPrefix manifests("manifests");
    std::set<std::string> found;
    const bool is_listed = std::ranges::count_if(runs, is_asked_for) > kAskedForMax &&
                           storage.capabilities().listing_delay.count() == 0;
    if (is_listed) {
        storage.list(
            manifests, [&found](const ObjectInfo& info) { found.insert(info.name.text()); }, stop);
    }
    for (KnownRun& run : runs) {
        if (is_asked_for(run)) {
            run.is_decided = is_listed && run.outcome.text().starts_with("manifests/")
                                 ? found.contains(run.outcome.text())
                                 : is_decided_now(storage, run, stop);
        }
    }
}

}  // namespace

std::vector<KnownRun> list_runs(Storage& storage, const Keys& keys, const CollectorRecords& records,
                                std::stop_token stop) {
    const std::set<std::string> removed = records.removed_manifests();
    std::vector<KnownRun> runs;
    for (auto& [id, signs] : list_signs(storage, stop)) {
        std::optional<KnownRun> run = read_run(storage, keys, id, std::move(signs), stop);
        if (!run) {
            continue;  // Another collector deleted its signs, because it is decided.
        }
        run->is_decided = (run->is_collection() && records.is_decided(id)) ||
                          removed.contains(run->outcome.text());
        runs.push_back(std::move(*run));
    }
    look_for_outcomes(storage, runs, stop);
    return runs;
}

bool is_decided_now(Storage& storage, const KnownRun& run, std::stop_token stop) {
    return storage.size_bytes(run.outcome, std::move(stop)).has_value();
}

void give_up(Storage& storage, const Keys& keys, const KnownRun& run, const RunId& by,
             const std::string& reason, std::stop_token stop) {
    storage.put(run.outcome, encode_tombstone(keys, run.outcome, by, reason), std::move(stop));
}

}  // namespace dbbackup
