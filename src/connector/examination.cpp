#include "connector/examination.hpp"

#include "base/units.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {

Check check_of(const Capability& capability) {
    Check check{capability.name, Verdict::ok, capability.reason, capability.remedy};
    if (capability.support == Support::no && capability.name == kFullBackup) {
        check.verdict = Verdict::problem;
    } else if (capability.support != Support::yes && !capability.remedy.empty()) {
        check.verdict = Verdict::warning;
    }
    if (check.text.empty()) {
        check.text = "possible";
    }
    return check;
}

std::vector<Check> examine(Connector& connector, std::stop_token stop) {
    if (auto* const examiner = dynamic_cast<Examiner*>(&connector)) {
        return examiner->examine(std::move(stop));
    }
    const Probe found = connector.probe(stop);
    std::vector<Check> checks = {
        {"database", Verdict::ok,
         fmt::format("{}, version {}", format_size(found.source_bytes), found.server_version)}};
    for (const Capability& capability : connector.capabilities(std::move(stop))) {
        checks.push_back(check_of(capability));
    }
    return checks;
}

std::string_view verdict_name(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::ok: return "ok";
        case Verdict::warning: return "warning";
        case Verdict::problem: return "problem";
    }
    return "unknown";
}

}  // namespace dbbackup
