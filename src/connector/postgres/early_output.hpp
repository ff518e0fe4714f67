#pragma once

/// @file
/// What another program writes, from the moment on when it could be started: it does not wait for
/// whoever will want its output.
///
/// Data path: pg_dump, pg_dumpall -> [early output] -> session -> engine.

#include "base/bytes.hpp"
#include "base/units.hpp"

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace dbbackup::postgres {

/// Runs its maker on a thread of its own, which waits while much was made and nothing taken.
/// `read` is for one thread. The destructor ends the maker and waits for that.
class EarlyOutput {
public:
    using Take = std::function<void(BytesView part)>;
    /// Gives what it makes part by part; ends soon after `stop` fired, with Cancelled.
    using Make = std::function<void(const Take& take, const std::stop_token& stop)>;

    /// What is kept in memory until it is taken.
    static constexpr std::size_t kBytesMax = 4_MiB;

    /// Begins at once.
    explicit EarlyOutput(Make make);

    /// Takes all of it, while it is made. Once.
    /// @throws what the maker or `take` threw; Cancelled when `stop` fires.
    void read(const Take& take, const std::stop_token& stop);

private:
    void give(BytesView part, const std::stop_token& stop);
    void end(std::exception_ptr failure);

    Make make_;
    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable_any changed_;
    Bytes made_;
    bool has_ended_ = false;
    std::exception_ptr failure_;
    std::jthread maker_;  ///< Last: it uses all of the above.
};

}  // namespace dbbackup::postgres
