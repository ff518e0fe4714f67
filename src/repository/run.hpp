#pragma once

/// @file
/// Runs: one execution of a writer or collector, and how others see that it lives
/// (docs/protocol.md).

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/guarded.hpp"
#include "repository/keys.hpp"
#include "repository/repository.hpp"
#include "storage/storage.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup {

/// A fresh run id: 32 hexadecimal digits from the operating system's generator.
[[nodiscard]] RunId new_run_id();

/// This machine's name, for people who read a run or a manifest.
[[nodiscard]] std::string host_name();

/// An announced run that shows signs of life until it is destroyed. Thread-safe.
class LivingRun {
public:
    /// How often a sign of life is stored. Only whom a collector gives up depends on it, never
    /// what is safe.
    static constexpr std::chrono::minutes kInterval{2};

    /// Stores `runs/<run>/0` before it returns.
    /// @param outcome_of Gives the object name whose creation will commit the run of this id.
    LivingRun(Storage& storage, const Keys& keys, const Clock& clock, std::string kind,
              const std::function<ObjectName(const RunId&)>& outcome_of, std::stop_token stop,
              std::chrono::milliseconds interval = kInterval);
    ~LivingRun();
    LivingRun(const LivingRun&) = delete;
    LivingRun& operator=(const LivingRun&) = delete;

    [[nodiscard]] const RunId& id() const noexcept { return id_; }

    /// Stores a collector's list of open runs in a sign of life, and repeats it in every later one.
    void record_open(std::vector<RunId> open, std::stop_token stop);

private:
    PutResult put(std::uint64_t number, std::stop_token stop);
    void put_next(std::stop_token stop);
    void show_life(std::stop_token stop);

    Storage& storage_;
    const Keys& keys_;
    const Clock& clock_;
    RunId id_;
    std::string kind_;
    std::string outcome_;
    std::chrono::milliseconds interval_;
    std::atomic<std::uint64_t> number_{1};  ///< Of the next sign of life.
    Guarded<std::vector<RunId>> open_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;  ///< Last, so that it is joined before anything it uses goes.
};

/// What is stored in the place of an outcome to say that its run was given up.
[[nodiscard]] Bytes encode_tombstone(const Keys& keys, const ObjectName& outcome, const RunId& by,
                                     const std::string& reason);

}  // namespace dbbackup
