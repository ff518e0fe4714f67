#pragma once

/// @file
/// Collects what `verify` finds, once per problem, with all snapshots that it endangers.

#include "base/guarded.hpp"
#include "engine/verify.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace dbbackup {

/// Thread-safe.
class Findings {
public:
    void add(const std::string& object, const std::string& problem) {
        problems_.with([&](auto& problems) { problems[{object, problem}]; });
    }
    void add(const std::string& object, const std::string& problem, const SnapshotId& snapshot) {
        problems_.with(
            [&](auto& problems) { problems[{object, problem}].snapshots.insert(snapshot); });
    }
    void add_harmless(const std::string& object, const std::string& problem) {
        problems_.with([&](auto& problems) { problems[{object, problem}].is_harmless = true; });
    }

    [[nodiscard]] std::vector<Finding> take() {
        return problems_.with([](auto& problems) {
            std::vector<Finding> findings;
            for (const auto& [key, seen] : problems) {
                findings.push_back({key.first,
                                    key.second,
                                    {seen.snapshots.begin(), seen.snapshots.end()},
                                    seen.is_harmless});
            }
            return findings;
        });
    }

private:
    struct Seen {
        std::set<SnapshotId> snapshots;
        bool is_harmless = false;
    };
    Guarded<std::map<std::pair<std::string, std::string>, Seen>> problems_;
};

}  // namespace dbbackup
