/// @file
/// The protocol of docs/protocol.md, explored: it holds in every scenario, and every rule left out
/// is missed in one. docs/model.md explains what is modelled and shows the figures.
///
/// With DB_BACKUP_LONG=1, scenarios that take minutes are explored to the end, too.

#include "model/explorer.hpp"
#include "model/scenarios.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup::model {
namespace {

/// Under 8 GB.
constexpr std::size_t kStatesMax = 90'000'000;
/// How far a scenario for the long run is explored in the short one.
constexpr std::size_t kStatesBriefly = 200'000;

bool is_long_run() {
    const char* const value = std::getenv("DB_BACKUP_LONG");
    return value != nullptr && std::string(value) == "1";
}

std::string figures(const Exploration& found) {
    std::ostringstream text;
    text << found.states << " states in " << std::fixed << std::setprecision(2)
         << found.time.count() << " s";
    return text.str();
}

std::string lines(const Exploration& found) {
    std::string text = found.fault + ":\n";
    for (std::size_t step = 0; step < found.trace.size(); ++step) {
        text += "  " + std::to_string(step + 1) + ". " + found.trace[step] + "\n";
    }
    return text;
}

class HoldsTest : public testing::Test {
public:
    explicit HoldsTest(Scenario scenario) : world_(std::move(scenario), Rules{}) {}

    void TestBody() override {
        const bool brief = world_.scenario().slow && !is_long_run();
        const Exploration found = explore(world_, brief ? kStatesBriefly : kStatesMax);
        std::cout << world_.scenario().name << ": " << figures(found)
                  << (found.complete ? "" : ", not to the end") << '\n';
        EXPECT_EQ(found.fault, "") << lines(found);
        EXPECT_TRUE(found.complete || brief) << "too many states";
    }

private:
    World world_;
};

class CatchesTest : public testing::Test {
public:
    explicit CatchesTest(Mutation mutation) : mutation_(std::move(mutation)) {}

    void TestBody() override {
        std::vector<Scenario> all = scenarios();
        for (Scenario& more : broken_scenarios()) {
            all.push_back(std::move(more));
        }
        const auto at = std::find_if(all.begin(), all.end(), [this](const Scenario& scenario) {
            return scenario.name == mutation_.scenario;
        });
        ASSERT_NE(at, all.end()) << "no scenario " << mutation_.scenario;
        at->quiet = mutation_.quiet;
        const Exploration found = explore(World(*at, mutation_.rules), kStatesMax);
        std::cout << mutation_.name << ": " << found.trace.size() << " steps, " << figures(found)
                  << '\n'
                  << lines(found);
        EXPECT_EQ(found.fault, mutation_.fault);
    }

private:
    Mutation mutation_;
};

/// As a name of a test.
std::string camel(const std::string& words) {
    std::string name;
    bool up = true;
    for (const char letter : words) {
        if (std::isalnum(static_cast<unsigned char>(letter)) == 0) {
            up = true;
            continue;
        }
        name += up ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
        up = false;
    }
    return name;
}

void register_all() {
    for (const Scenario& scenario : scenarios()) {
        testing::RegisterTest("Model", ("Holds" + camel(scenario.name)).c_str(), nullptr, nullptr,
                              __FILE__, __LINE__,
                              [scenario]() -> testing::Test* { return new HoldsTest(scenario); });
    }
    for (const Mutation& mutation : mutations()) {
        testing::RegisterTest("Model", ("Catches" + camel(mutation.name)).c_str(), nullptr, nullptr,
                              __FILE__, __LINE__,
                              [mutation]() -> testing::Test* { return new CatchesTest(mutation); });
    }
}

}  // namespace
}  // namespace dbbackup::model

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    dbbackup::model::register_all();
    return RUN_ALL_TESTS();
}
