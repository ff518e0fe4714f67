#include "engine/snapshot_choice.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

namespace dbbackup {
namespace {

constexpr std::size_t kIdPrefixMin = 4;
constexpr std::size_t kIdPrefixShown = 8;

using Candidates = std::vector<const SnapshotSummary*>;

std::string source_names(const Candidates& candidates) {
    std::set<std::string> names;
    for (const SnapshotSummary* snapshot : candidates) {
        names.insert(snapshot->source_name);
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

Candidates of_source(const std::vector<SnapshotSummary>& snapshots,
                     const std::optional<std::string>& source) {
    Candidates candidates;
    Candidates all;
    for (const SnapshotSummary& snapshot : snapshots) {
        all.push_back(&snapshot);
        if (!source || snapshot.source_name == *source) {
            candidates.push_back(&snapshot);
        }
    }
    if (all.empty()) {
        throw explained<ConfigError>("the repository has no snapshot yet",
                                     "Make one with 'db-backup backup'.", "snapshot_unknown");
    }
    if (candidates.empty()) {
        throw explained<ConfigError>(
            fmt::format("the repository has no snapshot of a source '{}'", source.value_or("")),
            fmt::format("It has snapshots of: {}.", source_names(all)), "source_unknown");
    }
    return candidates;
}

void require_one_source(const Candidates& candidates, std::string_view text) {
    for (const SnapshotSummary* snapshot : candidates) {
        if (snapshot->source_id != candidates.front()->source_id) {
            throw explained<ConfigError>(
                fmt::format("'{}' could mean snapshots of several sources: {}", text,
                            source_names(candidates)),
                "Say which one with --source NAME.", "source_ambiguous");
        }
    }
}

[[noreturn]] void unknown(std::string_view text) {
    throw explained<ConfigError>(fmt::format("there is no snapshot '{}'", text),
                                 "'db-backup list' shows those that there are.",
                                 "snapshot_unknown");
}

/// How far back "latest~N" goes; nothing when `text` is not of that form.
std::optional<std::size_t> steps_back(std::string_view text) {
    constexpr std::string_view kLatest = "latest";
    if (!text.starts_with(kLatest)) {
        return std::nullopt;
    }
    text.remove_prefix(kLatest.size());
    if (text.empty()) {
        return 0;
    }
    std::size_t steps = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), steps);
    if (text.front() != '~' || text.size() == 1 || error != std::errc() ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    return steps;
}

bool is_hexadecimal(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

const SnapshotSummary& by_prefix(const Candidates& candidates, std::string_view text) {
    Candidates matches;
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(matches),
                 [text](const SnapshotSummary* each) { return each->id.starts_with(text); });
    if (matches.empty()) {
        unknown(text);
    }
    if (matches.size() > 1) {
        throw explained<ConfigError>(
            fmt::format("'{}' is the beginning of {} snapshot ids", text, matches.size()),
            "Give more digits; 'db-backup list --json' shows whole ids.", "snapshot_ambiguous");
    }
    return *matches.front();
}

/// An id that is long enough, whether or not there is one. A bare year is four digits too; an id
/// that starts so wins, and a full date is not hexadecimal.
bool is_id(std::string_view text) { return text.size() >= kIdPrefixMin && is_hexadecimal(text); }

/// "manifests/<source>/<run>" -> "<source>"; empty for other objects.
std::string_view source_of_manifest(std::string_view object) {
    constexpr std::string_view kFolder = "manifests/";
    if (!object.starts_with(kFolder)) {
        return {};
    }
    object.remove_prefix(kFolder.size());
    return object.substr(0, object.find('/'));
}

/// Whether the manifest `object` may be of one of the candidates' source. What a source without any
/// readable manifest is called is not known.
bool may_be_meant(const std::string& object, const std::vector<SnapshotSummary>& snapshots,
                  const std::optional<std::string>& source) {
    const std::string_view source_id = source_of_manifest(object);
    if (source_id.empty()) {
        return false;
    }
    bool is_known = false;
    bool has_source = false;
    for (const SnapshotSummary& snapshot : snapshots) {
        const bool is_wanted = !source || snapshot.source_name == *source;
        if (snapshot.source_id == source_id && is_wanted) {
            return true;
        }
        is_known = is_known || snapshot.source_id == source_id;
        has_source = has_source || is_wanted;
    }
    return !is_known && (!source || !has_source);
}

}  // namespace

const SnapshotSummary& choose_snapshot(const std::vector<SnapshotSummary>& snapshots,
                                       const std::vector<std::string>& damaged,
                                       std::string_view text,
                                       const std::optional<std::string>& source) {
    if (steps_back(text) || (!is_id(text) && parse_time(text))) {
        for (const std::string& object : damaged) {
            if (may_be_meant(object, snapshots, source)) {
                throw explained<CorruptionError>(
                    fmt::format("'{}' can not be told, because {} is damaged", text, object),
                    "Name a snapshot by its id, which 'db-backup list' shows, or run 'db-backup "
                    "verify' to see what is damaged.",
                    "manifest_damaged");
            }
        }
    }
    return choose_snapshot(snapshots, text, source);
}

const SnapshotSummary& choose_snapshot(const std::vector<SnapshotSummary>& snapshots,
                                       std::string_view text,
                                       const std::optional<std::string>& source) {
    Candidates candidates = of_source(snapshots, source);
    if (const std::optional<std::size_t> steps = steps_back(text)) {
        require_one_source(candidates, text);
        std::sort(candidates.begin(), candidates.end(),
                  [](const SnapshotSummary* left, const SnapshotSummary* right) {
                      return std::tie(left->sequence, left->id) >
                             std::tie(right->sequence, right->id);
                  });
        if (*steps >= candidates.size()) {
            throw explained<ConfigError>(
                fmt::format("'{}' goes back further than the {} snapshots that there are", text,
                            candidates.size()),
                "'db-backup list' shows them.", "snapshot_unknown");
        }
        return *candidates[*steps];
    }
    if (is_id(text)) {
        return by_prefix(candidates, text);
    }
    const std::optional<TimeSpan> time = parse_time(text);
    if (!time) {
        unknown(text);
    }
    require_one_source(candidates, text);
    const SnapshotSummary* newest = nullptr;
    for (const SnapshotSummary* each : candidates) {
        if (each->begun_at <= time->last &&
            (newest == nullptr || each->begun_at >= newest->begun_at)) {
            newest = each;
        }
    }
    if (newest == nullptr) {
        throw explained<ConfigError>(
            fmt::format("there is no snapshot from {} or before", format_rfc3339(time->last)),
            "Times without an offset are those of this machine's time zone; 'db-backup list' "
            "shows what there is.",
            "snapshot_unknown");
    }
    return *newest;
}

std::vector<SnapshotSummary> tagged_snapshots(const std::vector<SnapshotSummary>& snapshots,
                                              const std::map<std::string, std::string>& tags) {
    std::vector<SnapshotSummary> tagged;
    std::ranges::copy_if(snapshots, std::back_inserter(tagged), [&](const auto& snapshot) {
        return std::ranges::all_of(tags, [&](const auto& tag) {
            const auto found = snapshot.tags.find(tag.first);
            return found != snapshot.tags.end() && found->second == tag.second;
        });
    });
    return tagged;
}

SnapshotSummary choose_tagged_snapshot(const std::vector<SnapshotSummary>& snapshots,
                                       const std::vector<std::string>& damaged,
                                       std::string_view text,
                                       const std::optional<std::string>& source,
                                       const std::map<std::string, std::string>& tags) {
    const std::vector<SnapshotSummary> tagged = tagged_snapshots(snapshots, tags);
    const auto is_of_source = [&source](const SnapshotSummary& snapshot) {
        return !source || snapshot.source_name == *source;
    };
    if (damaged.empty() && std::ranges::any_of(snapshots, is_of_source) &&
        std::ranges::none_of(tagged, is_of_source)) {
        std::string names;
        for (const auto& [key, value] : tags) {
            names += fmt::format("{}{}={}", names.empty() ? "" : " and ", key, value);
        }
        throw explained<ConfigError>(
            fmt::format("no snapshot{} has the tag{} {}",
                        source ? fmt::format(" of source '{}'", *source) : "",
                        tags.size() > 1 ? "s" : "", names),
            "'db-backup list' shows the tags that there are.", "snapshot_unknown");
    }
    return choose_snapshot(tagged, damaged, text, source);
}

std::set<SnapshotId> doubtful_snapshots(const std::vector<SnapshotSummary>& snapshots) {
    std::set<SnapshotId> doubtful;
    for (const SnapshotSummary& snapshot : snapshots) {
        doubtful.insert(snapshot.doubtful.begin(), snapshot.doubtful.end());
    }
    return doubtful;
}

std::size_t id_prefix_length(const std::vector<SnapshotSummary>& snapshots) {
    std::vector<std::string_view> ids;
    for (const SnapshotSummary& snapshot : snapshots) {
        ids.push_back(snapshot.id);
    }
    std::sort(ids.begin(), ids.end());
    std::size_t length = kIdPrefixShown;
    for (std::size_t index = 1; index < ids.size(); ++index) {
        const auto [left, right] = std::mismatch(ids[index - 1].begin(), ids[index - 1].end(),
                                                 ids[index].begin(), ids[index].end());
        length = std::max(length, static_cast<std::size_t>(left - ids[index - 1].begin()) + 1);
    }
    return length;
}

}  // namespace dbbackup
