#pragma once

/// @file
/// Parts of a stream from the thread that makes them to the one that wants them, one at a time:
/// what one program writes, another reads.

#include "base/bytes.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>

namespace dbbackup::postgres {

/// For two threads. Each must say when it leaves, or the other waits for ever.
class PartPipe {
public:
    /// Waits until the part was used. @throws Cancelled when nobody wants it any more.
    void give(BytesView part);
    /// The giver leaves: at the end, or with what went wrong.
    void end(std::exception_ptr failure = nullptr);

    /// The next part, valid until the next call; empty at the end. @throws what the giver left
    /// with.
    [[nodiscard]] BytesView take();
    /// The taker leaves.
    void abandon();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    BytesView part_;
    bool has_part_ = false;
    bool is_taken_ = false;  ///< The taker uses `part_`.
    bool has_ended_ = false;
    bool is_abandoned_ = false;
    std::exception_ptr failure_;
};

}  // namespace dbbackup::postgres
