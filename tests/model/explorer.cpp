#include "model/explorer.hpp"

#include "model/steps.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace dbbackup::model {
namespace {

/// 128 bits stand for a state: two of a thousand million states share them once in 10^20 runs.
struct Fingerprint {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const Fingerprint&) const = default;
};

std::uint64_t mixed(std::uint64_t value) {
    value ^= value >> 32U;
    value *= 0xd6e8feb86659fd93U;
    value ^= value >> 32U;
    value *= 0xd6e8feb86659fd93U;
    return value ^ (value >> 32U);
}

Fingerprint fingerprint(const State& state) {
    std::array<std::uint64_t, (sizeof(State) + 7) / 8> words{};
    std::memcpy(words.data(), &state, sizeof(State));
    Fingerprint print{0x9e3779b97f4a7c15U, 0xc2b2ae3d27d4eb4fU};
    for (const std::uint64_t word : words) {
        print.high = (print.high ^ word) * 0xff51afd7ed558ccdU;
        print.high ^= print.high >> 29U;
        print.low = (print.low + word) * 0xc4ceb9fe1a85ec53U;
        print.low ^= print.low >> 31U;
    }
    return {mixed(print.high), mixed(print.low ^ (print.high << 1U))};
}

/// The states that were met, by fingerprint, with the way to each.
class Visited {
public:
    /// @return whether it is new.
    bool insert(const Fingerprint& print, std::uint32_t parent, std::uint16_t choice) {
        if (entries_.size() * 2 >= table_.size()) {
            grow();
        }
        std::size_t place = print.low & (table_.size() - 1);
        while (table_[place] != 0) {
            if (entries_[table_[place] - 1].print == print) {
                return false;
            }
            place = (place + 1) & (table_.size() - 1);
        }
        entries_.push_back({print, parent, choice});
        table_[place] = static_cast<std::uint32_t>(entries_.size());
        return true;
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Which of its steps to take from the start to reach an entry.
    [[nodiscard]] std::vector<std::uint16_t> way_to(std::size_t place) const {
        std::vector<std::uint16_t> way;
        while (place != 0) {
            way.push_back(entries_[place].choice);
            place = entries_[place].parent;
        }
        std::reverse(way.begin(), way.end());
        return way;
    }

private:
    struct Entry {
        Fingerprint print;
        std::uint32_t parent = 0;
        std::uint16_t choice = 0;
    };

    void grow() {
        table_.assign(std::max<std::size_t>(table_.size() * 2, 1024), 0);
        for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
            std::size_t place = entries_[entry].print.low & (table_.size() - 1);
            while (table_[place] != 0) {
                place = (place + 1) & (table_.size() - 1);
            }
            table_[place] = static_cast<std::uint32_t>(entry + 1);
        }
    }

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> table_;
};

std::string actor_name(const World& world, int actor) {
    if (actor < 0) {
        return "storage";
    }
    const auto writers = static_cast<int>(world.scenario().writers.size());
    const int collectors = writers + static_cast<int>(world.scenario().collectors.size());
    if (actor < writers) {
        return "writer W" + std::to_string(actor + 1);
    }
    if (actor < collectors) {
        return "collector C" + std::to_string(actor - writers + 1);
    }
    return "reader R" + std::to_string(actor - collectors + 1);
}

std::string set_text(unsigned set) {
    std::string text;
    for (int place = 0; place < 16; ++place) {
        if (has(set, place)) {
            text += (text.empty() ? "" : " ") + std::to_string(place);
        }
    }
    return "{" + text + "}";
}

/// What is worth telling about a step beyond its name.
std::string detail(const State& before, const State& after) {
    std::string text;
    for (std::size_t run = 0; run < after.lists.size(); ++run) {
        const bool outcome = has(without(after.outcomes, before.outcomes), static_cast<int>(run));
        const bool marker = has(without(after.markers, before.markers), static_cast<int>(run));
        if (outcome) {
            text += ": removes packs " + set_text(after.lists[run].packs);
            if (after.lists[run].manifests != 0) {
                text += ", manifests " + set_text(after.lists[run].manifests);
            }
        }
        if (marker) {
            text += ": packs " + set_text(after.marker_packs[run]);
        }
    }
    return text;
}

std::vector<std::string> retrace(const World& world, const std::vector<std::uint16_t>& way) {
    std::vector<std::string> trace;
    State state = world.scenario().start;
    Steps steps;
    for (const std::uint16_t choice : way) {
        steps.clear();
        all_steps(world, state, steps);
        const Step& step = steps[choice];
        std::string line = actor_name(world, step.actor) + " " + step.what;
        if (step.about >= 0) {
            line += " " + std::to_string(step.about);
        }
        trace.push_back(line + detail(state, step.next));
        state = step.next;
    }
    return trace;
}

class Explorer {
public:
    Explorer(const World& world, std::size_t states_max) : world_(world), states_max_(states_max) {}

    Exploration run() {
        const auto begin = std::chrono::steady_clock::now();
        Exploration found = search();
        found.states = visited_.size();
        found.time = std::chrono::steady_clock::now() - begin;
        return found;
    }

private:
    Exploration search() {
        std::vector<State> level{world_.scenario().start};
        visited_.insert(fingerprint(level.front()), 0, 0);
        if (const Fault fault = fault_of(level.front())) {
            return report(fault, 0);
        }
        std::size_t first = 0;
        while (!level.empty()) {
            std::vector<State> next;
            for (std::size_t place = 0; place < level.size(); ++place) {
                steps_.clear();
                all_steps(world_, level[place], steps_);
                for (std::size_t choice = 0; choice < steps_.size(); ++choice) {
                    const State& state = steps_[choice].next;
                    if (!visited_.insert(fingerprint(state),
                                         static_cast<std::uint32_t>(first + place),
                                         static_cast<std::uint16_t>(choice))) {
                        continue;
                    }
                    if (const Fault fault = fault_of(state)) {
                        return report(fault, visited_.size() - 1);
                    }
                    next.push_back(state);
                }
                if (visited_.size() > states_max_) {
                    return {};
                }
            }
            first += level.size();
            level = std::move(next);
        }
        Exploration whole;
        whole.complete = true;
        return whole;
    }

    [[nodiscard]] Fault fault_of(const State& state) {
        if (const Fault fault = safety_fault(world_, state)) {
            return fault;
        }
        if (!world_.scenario().quiet) {
            return nullptr;
        }
        // Many states differ only in where processes stand.
        const State calm = quiet(state);
        if (!calm_.insert(fingerprint(calm), 0, 0)) {
            return nullptr;
        }
        return quiet_fault(world_, calm, scratch_);
    }

    [[nodiscard]] Exploration report(Fault fault, std::size_t place) const {
        Exploration found;
        found.fault = fault;
        found.trace = retrace(world_, visited_.way_to(place));
        return found;
    }

    const World& world_;
    std::size_t states_max_;
    Visited visited_;
    Visited calm_;
    Steps steps_;
    Steps scratch_;
};

}  // namespace

Exploration explore(const World& world, std::size_t states_max) {
    return Explorer(world, states_max).run();
}

}  // namespace dbbackup::model
