#pragma once

/// @file
/// A job as other schedulers run it, and the files that tell them to.

#include "schedule/export_times.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace dbbackup {

/// One job. What runs is `schedule run JOB --retry`: backup, pruning, verification, further tries,
/// notifications and what is remembered of runs are the same everywhere.
struct ExportedJob {
    std::string name;
    std::string source;
    ExportTimes times;
    CatchUp catch_up = CatchUp::once;
    std::chrono::seconds jitter{0};
    std::vector<std::string> options = {};  ///< Of our own call, which the jobs' calls get, too.
    std::vector<std::filesystem::path> folders = {};  ///< Absolute: what a run writes in.
    std::vector<std::filesystem::path> files = {};    ///< Absolute: configuration, keys, passwords.
    std::vector<std::string> variables = {};          ///< Names of those that hold its secrets.
};

/// Where it runs.
struct ExportPlace {
    std::string program;  ///< Absolute path.
    std::string user;
    std::string image;  ///< Of containers.
};

struct ExportedFile {
    std::string name;
    std::string text;
};

}  // namespace dbbackup
