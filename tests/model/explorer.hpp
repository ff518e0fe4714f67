#pragma once

/// @file
/// Visits every state of a scenario, nearest first, until a fault is found.

#include "model/scenario.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace dbbackup::model {

/// What an exploration found.
struct Exploration {
    std::size_t states = 0;
    bool complete = false;  ///< Every reachable state was visited.
    std::chrono::duration<double> time{};
    std::string fault;               ///< Empty when nothing was found.
    std::vector<std::string> trace;  ///< The shortest way to the fault, a line for each step.
};

/// @param states_max Where to stop with `complete` false. A state takes about 50 bytes.
[[nodiscard]] Exploration explore(const World& world, std::size_t states_max);

}  // namespace dbbackup::model
