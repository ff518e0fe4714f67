/// @file
/// `db-backup list`: the snapshots of a repository, newest last.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/repository_access.hpp"
#include "cli/snapshot_json.hpp"
#include "cli/snapshot_order.hpp"
#include "cli/snapshot_remarks.hpp"
#include "cli/snapshot_text.hpp"
#include "cli/table.hpp"
#include "engine/snapshot_choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace dbbackup {
namespace {

std::string remark_on(const SnapshotSummary& snapshot, const SnapshotRemarks& remarks) {
    std::vector<std::string> words;
    if (remarks.doubtful.contains(snapshot.id)) {
        words.emplace_back("doubtful");
    } else if (snapshot.is_incomplete) {
        words.emplace_back("incomplete");
    }
    if (remarks.pinned.contains(snapshot.id)) {
        words.emplace_back("pinned");
    }
    return fmt::format("{}", fmt::join(words, ", "));
}

Table table_of(const std::vector<SnapshotSummary>& snapshots, const SnapshotRemarks& remarks,
               std::size_t id_length) {
    Table table({{"ID", Align::left, false, 0},
                 {"SOURCE", Align::left, true, 1},
                 {"TYPE", Align::left, false, 6},
                 {"MODE", Align::left, false, 3},
                 {"TIME", Align::left, false, 0},
                 {"SIZE", Align::right, false, 2},
                 {"STORED", Align::right, false, 4},
                 {"TAGS", Align::left, true, 5},
                 {"", Align::left, false, 1}});
    for (const SnapshotSummary& snapshot : snapshots) {
        table.add({snapshot.id.substr(0, id_length), snapshot.source_name,
                   std::string(word_of(snapshot.type)), std::string(word_of(snapshot.mode)),
                   local_time_text(snapshot.begun_at), format_size(snapshot.bytes_source),
                   format_size(snapshot.bytes_added), tags_text(snapshot.tags),
                   remark_on(snapshot, remarks)});
    }
    return table;
}

}  // namespace

ExitCode run_command(const ListArguments& arguments, CommandContext& context) {
    const std::unique_ptr<Repository> repository = open_repository(
        choose_repository(context, repository_of_source(arguments.source, context.config())),
        context);
    auto [snapshots, damaged] = read_snapshots(*repository, context);
    const std::size_t id_length = id_prefix_length(snapshots);
    const SnapshotRemarks remarks = read_remarks(*repository, snapshots, context);
    if (arguments.source) {
        check_source(*arguments.source, snapshots);
    }
    sort_newest_last(snapshots);
    snapshots = tagged_snapshots(snapshots, arguments.tags);
    std::erase_if(snapshots, [&arguments](const SnapshotSummary& snapshot) {
        return arguments.source && snapshot.source_name != *arguments.source;
    });
    if (arguments.last && snapshots.size() > *arguments.last) {
        snapshots.erase(snapshots.begin(),
                        snapshots.end() - static_cast<std::ptrdiff_t>(*arguments.last));
    }
    if (context.output.is_json()) {
        nlohmann::ordered_json document = nlohmann::ordered_json::array();
        for (const SnapshotSummary& snapshot : snapshots) {
            document.push_back(summary_json(snapshot, remarks));
        }
        context.output.document(document);
    } else if (snapshots.empty()) {
        context.remark("no snapshots");
    } else {
        context.output.text(table_of(snapshots, remarks, id_length).text(context.terminal));
    }
    return damaged.empty() ? ExitCode::success : ExitCode::corruption;
}

}  // namespace dbbackup
