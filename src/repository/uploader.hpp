#pragma once

/// @file
/// Stores finished packs beside the pipeline, several at once, bounded in bytes.

#include "base/bytes.hpp"
#include "repository/chunk_copy.hpp"
#include "repository/directory_record.hpp"
#include "storage/storage.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace dbbackup {

/// Data path: packer -> [uploader] -> storage. Thread-safe.
class Uploader {
public:
    /// @param threads How many packs are in flight at once; one more may wait.
    /// @param stored Called on an upload thread after a pack is durable.
    Uploader(Storage& storage, unsigned threads, std::function<void(const IndexedPack&)> stored,
             std::stop_token stop);
    ~Uploader();
    Uploader(const Uploader&) = delete;
    Uploader& operator=(const Uploader&) = delete;

    /// Hashes, names and stores a pack. Blocks while too many wait.
    /// @throws what a storage call before this one threw.
    void submit(Bytes content, std::vector<PackEntry> entries,
                std::shared_ptr<PackIdentity> identity);

    /// Whether `submit` would not block.
    [[nodiscard]] bool has_room();

    /// Returns once everything submitted is durable. @throws as submit.
    void wait();

private:
    struct Job {
        Bytes content;
        std::vector<PackEntry> entries;
        std::shared_ptr<PackIdentity> identity;
    };

    void work(std::stop_token stop);
    void store(Job job);

    Storage& storage_;
    std::function<void(const IndexedPack&)> stored_;
    std::stop_token stop_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Job> waiting_;
    unsigned in_flight_ = 0;
    std::exception_ptr failure_;
    std::vector<std::jthread> threads_;
};

}  // namespace dbbackup
