#include "cli/findings_output.hpp"

#include "cli/display_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbbackup {

nlohmann::ordered_json findings_json(const std::vector<Finding>& findings) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"object", finding.object},
                        {"problem", finding.problem},
                        {"snapshots", finding.snapshots},
                        {"harmless", finding.is_harmless}});
    }
    return list;
}

std::string findings_text(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings) {
        text += fmt::format("{}: {}{}\n", printable(finding.object), printable(finding.problem),
                            finding.is_harmless ? " (harmless)" : "");
        for (const SnapshotId& snapshot : finding.snapshots) {
            text += fmt::format("  snapshot {}\n", snapshot);
        }
    }
    return text.empty() ? text : text + "\n";
}

}  // namespace dbbackup
