#pragma once

/// @file
/// Real SQLite databases for tests: a folder that removes itself, connections, writer processes,
/// and what a session or a file holds, as bytes.

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "connector/connector.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup::sqlite {

/// A new folder, with what tests of a database in it ask for.
class TestFolder : public TemporaryFolder {
public:
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
        return path() / name;
    }
    [[nodiscard]] std::set<std::string> names() const {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path())) {
            names.insert(entry.path().filename().native());
        }
        return names;
    }
};

/// A connection as applications have them; every failure fails the test by an exception.
class TestDatabase {
public:
    explicit TestDatabase(const std::filesystem::path& path) {
        sqlite3* opened = nullptr;
        if (sqlite3_open(path.c_str(), &opened) != SQLITE_OK) {
            throw std::runtime_error("cannot open " + path.native());
        }
        database_.reset(opened);
        sqlite3_busy_timeout(opened, 20'000);
    }

    void run(const std::string& sql) {
        char* message = nullptr;
        if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
            const std::string text = message == nullptr ? "?" : message;
            sqlite3_free(message);
            throw std::runtime_error(text + ": " + sql);
        }
    }
    /// All values of all rows, with `|` between them.
    std::string ask(const std::string& sql) {
        std::string result;
        const auto append = [](void* out, int count, char** values, char**) {
            auto& text = *static_cast<std::string*>(out);
            for (int column = 0; column < count; ++column) {
                text += text.empty() ? "" : "|";
                text += values[column] == nullptr ? "NULL" : values[column];
            }
            return 0;
        };
        if (sqlite3_exec(database_.get(), sql.c_str(), append, &result, nullptr) != SQLITE_OK) {
            throw std::runtime_error(sqlite3_errmsg(database_.get()));
        }
        return result;
    }
    [[nodiscard]] sqlite3* handle() const { return database_.get(); }

private:
    struct Close {
        void operator()(sqlite3* database) const { sqlite3_close(database); }
    };
    std::unique_ptr<sqlite3, Close> database_;
};

/// A table of accounts whose balances add up to 0, and filler so that there are many pages.
inline void make_accounts(TestDatabase& database, int rows, int filler_bytes = 300) {
    database.run("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, filler BLOB)");
    database.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
                 std::to_string(rows) + ") INSERT INTO account SELECT i, 0, randomblob(" +
                 std::to_string(filler_bytes) + ") FROM n");
    database.run("CREATE INDEX account_by_balance ON account (balance, id)");
}

/// A forked child that runs `work` until it is killed. `work` must use no connection or thread of
/// the parent's.
class ChildProcess {
public:
    explicit ChildProcess(const std::function<void()>& work) {
        std::array<int, 2> ready{};
        if (::pipe(ready.data()) != 0) {
            throw std::runtime_error("cannot make a pipe");
        }
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ready[0]);
            const char byte = 'r';
            const bool is_told = ::write(ready[1], &byte, 1) == 1;
            ::close(ready[1]);
            try {
                if (is_told) {
                    work();
                }
            } catch (...) {
                ::_exit(1);
            }
            ::_exit(0);
        }
        ::close(ready[1]);
        char byte = 0;
        const bool is_ready = ::read(ready[0], &byte, 1) == 1;
        ::close(ready[0]);
        if (!is_ready) {
            throw std::runtime_error("the child did not start");
        }
    }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess() { end(SIGKILL); }

    /// Waits for the end; returns the exit status.
    int wait() {
        int status = 0;
        ::waitpid(child_, &status, 0);
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    void end(int signal) {
        if (child_ > 0) {
            ::kill(child_, signal);
            wait();
        }
    }
    pid_t child_ = -1;
};

/// Moves random amounts between accounts for ever: the sum stays 0 in every committed state.
inline void transfer_for_ever(const std::filesystem::path& path, int rows, unsigned seed) {
    TestDatabase database(path);
    database.run("PRAGMA synchronous=OFF");
    database.run("PRAGMA wal_autocheckpoint=50");
    for (std::uint64_t round = seed;; ++round) {
        const auto from = std::to_string((round * 7919) % static_cast<unsigned>(rows) + 1);
        const auto to = std::to_string((round * 104729 + 13) % static_cast<unsigned>(rows) + 1);
        try {
            database.run(
                "BEGIN IMMEDIATE; UPDATE account SET balance = balance - 5 WHERE id = " + from +
                "; UPDATE account SET balance = balance + 5 WHERE id = " + to + "; COMMIT");
        } catch (const std::runtime_error&) {
            sqlite3_exec(database.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
        }
    }
}

/// Collects the pages that a session gives.
class CollectingSink final : public SegmentSink {
public:
    explicit CollectingSink(std::uint32_t page_bytes, Bytes& image)
        : page_bytes_(page_bytes), image_(image) {}
    void pages(std::uint64_t first, BytesView bytes) override {
        if (first * page_bytes_ != image_.size() || bytes.size() % page_bytes_ != 0) {
            throw std::runtime_error("pages out of order or cut");
        }
        image_.insert(image_.end(), bytes.begin(), bytes.end());
    }
    void rows(BytesView, std::span<const std::uint32_t>) override {
        throw std::runtime_error("rows?");
    }
    void opaque(BytesView) override { throw std::runtime_error("opaque?"); }

private:
    std::uint32_t page_bytes_;
    Bytes& image_;
};

/// A whole backup, in memory.
struct Taken {
    StreamPlan stream;
    Capture capture = Capture::full;
    Bytes image;
    SessionEnd end;

    /// What the engine would hand to the next run.
    [[nodiscard]] Parent as_parent() const {
        Parent parent;
        parent.position = end.position;
        parent.state = end.state;
        ParentStream stored;
        stored.name = stream.name;
        stored.kind = stream.kind;
        stored.page_bytes = stream.page_bytes;
        stored.size_bytes = image.size();
        stored.definition = stream.definition;
        for (const SegmentPlan& segment : stream.segments) {
            stored.segments.push_back(segment.range);
        }
        parent.streams.push_back(std::move(stored));
        return parent;
    }
};

/// Reads every segment, also those planned to be reused.
inline Taken take(Connector& connector, std::optional<Parent> parent = std::nullopt) {
    BackupRequest request;
    request.parent = std::move(parent);
    const auto session = connector.begin(request, {});
    Taken taken;
    taken.stream = session->plan().at(0);
    taken.capture = session->capture();
    CollectingSink sink(taken.stream.page_bytes, taken.image);
    for (const SegmentPlan& segment : taken.stream.segments) {
        session->read(taken.stream, segment, sink, {});
    }
    taken.end = session->finish({});
    return taken;
}

[[nodiscard]] inline Bytes bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, BytesView bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    const auto text = as_text(bytes);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

/// What `PRAGMA integrity_check` says of an image.
[[nodiscard]] inline std::string integrity_of(const TestFolder& folder, BytesView image) {
    const auto path = folder / "image-to-check.db";
    write_bytes(path, image);
    std::string said;
    {
        TestDatabase database(path);
        said = database.ask("PRAGMA integrity_check");
    }
    for (const char* const suffix : {"", "-wal", "-shm"}) {
        std::filesystem::remove(path.native() + suffix);
    }
    return said;
}

/// A stored stream in memory.
class MemoryReader final : public StreamReader {
public:
    explicit MemoryReader(const Taken& taken, const Fingerprinter& fingerprinter)
        : image_(taken.image) {
        stream_.name = taken.stream.name;
        stream_.kind = taken.stream.kind;
        stream_.page_bytes = taken.stream.page_bytes;
        stream_.size_bytes = image_.size();
        stream_.definition = taken.stream.definition;
        stream_.fingerprint = fingerprinter.of_pages(image_, stream_.page_bytes, 0);
    }
    /// From here on reading past this offset fails, as damaged chunks do.
    void fail_from(std::uint64_t offset) { fails_from_ = offset; }
    Bytes& image() { return image_; }

    [[nodiscard]] const StoredStream& stream() const override { return stream_; }
    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) override {
        check(offset + out.size(), stop);
        std::copy_n(image_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    }
    void read_all(const std::function<void(std::uint64_t, BytesView)>& visit,
                  std::stop_token stop) override {
        constexpr std::size_t kPart = 100'000;  // no multiple of a page, as chunks need not be
        for (std::size_t offset = 0; offset < image_.size(); offset += kPart) {
            const std::size_t length = std::min(kPart, image_.size() - offset);
            check(offset + length, stop);
            visit(offset, BytesView(image_).subspan(offset, length));
        }
    }

private:
    void check(std::uint64_t end, const std::stop_token& stop) const {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (end > fails_from_) {
            throw CorruptionError("chunk 7 is damaged");
        }
    }
    Bytes image_;
    StoredStream stream_;
    std::uint64_t fails_from_ = UINT64_MAX;
};

[[nodiscard]] inline SourceOptions source_at(const std::filesystem::path& path) {
    SourceOptions options;
    options.database = path.native();
    options.spool_bytes = 64U << 20U;
    return options;
}

/// The machine's clock, ahead by ten seconds: timestamps of files that a test just made count as
/// settled, without waiting.
class ClockAhead final : public Clock {
public:
    [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> now() const override {
        return system_.now() + std::chrono::seconds(10);
    }

private:
    SystemClock system_;
};

}  // namespace dbbackup::sqlite
