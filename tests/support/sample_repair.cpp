#include "support/sample_repair.hpp"

#include "support/sample_backup.hpp"

#include <vector>

namespace dbbackup {

RepairOptions repair_of_data() {
    RepairOptions options;
    options.depth = VerifyDepth::data;
    options.may_remove = true;
    options.pause = [](std::chrono::milliseconds, const std::stop_token&) {};
    return options;
}

RepairReport repair(Storage& storage, const RepairOptions& options) {
    const auto repository = open_repository(storage);
    SampleContext sample;
    return repair(*repository, options, sample.context(), {});
}

std::string harm_text(const VerifyReport& report) {
    VerifyReport harm = report;
    std::erase_if(harm.findings, [](const Finding& finding) { return finding.is_harmless; });
    return findings_text(harm);
}

}  // namespace dbbackup
