#pragma once

/// @file
/// All scenarios, and all mutations with the scenario that catches each.

#include "model/scenario.hpp"

#include <string>
#include <vector>

namespace dbbackup::model {

/// Scenarios in which the whole protocol must hold.
[[nodiscard]] std::vector<Scenario> scenarios();
/// Scenarios that the protocol does not let begin; mutations use them.
[[nodiscard]] std::vector<Scenario> broken_scenarios();

/// The protocol with something left out or done differently, which must lose something.
struct Mutation {
    std::string name;
    std::string scenario;
    Rules rules;
    std::string fault;   ///< That it must find.
    bool quiet = false;  ///< Whether it is about what is left over.
};
[[nodiscard]] std::vector<Mutation> mutations();

/// Builds scenarios. Chunks are a = 0, b = 1 and so on.
class Build {
public:
    Build(std::string name, std::string about);

    /// The pack of the next name, which is there at the start.
    Build& pack(Pack pack);
    /// The pack of the next name, for who may put it later.
    Build& place(Pack pack);
    /// A snapshot that is there at the start.
    Build& snapshot(int manifest, ChunkSet needs);
    Build& writer(Writer writer);
    Build& collector(Collector collector);
    /// Anything else.
    template <class Change>
    Build& with(Change change) {
        change(scenario_);
        return *this;
    }
    [[nodiscard]] Scenario done();

private:
    Scenario scenario_;
};

/// The scenarios, by theme; each file has its own.
[[nodiscard]] std::vector<Scenario> writing_scenarios();
[[nodiscard]] std::vector<Scenario> collecting_scenarios();
[[nodiscard]] std::vector<Scenario> storage_scenarios();

}  // namespace dbbackup::model
