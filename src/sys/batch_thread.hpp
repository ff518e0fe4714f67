#pragma once

/// @file
/// Threads that wait for what others make, many times a second, and are in no hurry.

namespace dbbackup {

/// While one lives, the thread that made it is one of a batch (SCHED_BATCH), and so are threads and
/// programs that it starts: waking them pushes nobody off the processor, so they find more of what
/// they waited for, and whoever makes that, such as a database server on the same machine, is not
/// interrupted for each bit of it. They get as much of the processor as before. To be destroyed by
/// the thread that made it. Does nothing where the thread was given another policy, or where the
/// system does not let us.
/// Source: sched(7).
class BatchThread {
public:
    BatchThread() noexcept;
    ~BatchThread();
    BatchThread(const BatchThread&) = delete;
    BatchThread& operator=(const BatchThread&) = delete;

private:
    bool is_changed_ = false;
};

}  // namespace dbbackup
