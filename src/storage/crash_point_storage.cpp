#include "storage/crash_point_storage.hpp"

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "storage/operation.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dbbackup {
namespace {

constexpr int kKilledStatus = 137;
constexpr std::uint32_t kNumberMax = 1'000'000;

/// The only mutable global of this module: two repositories of one process are one sequence.
std::atomic<std::uint32_t> operations_of_process{0};

struct CrashPoints {
    std::optional<std::uint32_t> crash_before;
    std::optional<std::uint32_t> crash_after;
    std::optional<std::uint32_t> fail_after;
    std::optional<std::string> count_file;
};

std::optional<std::string> variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::optional<std::uint32_t> number(const char* name) {
    const std::optional<std::string> text = variable(name);
    if (!text) {
        return std::nullopt;
    }
    std::uint32_t value = 0;
    const char* const end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end || value > kNumberMax) {
        throw explained<ConfigError>(
            fmt::format("{} is not a number from 0 to {}", name, kNumberMax),
            "Unset it: it is meant for db-backup's own tests.");
    }
    return value;
}

/// As safe to use from several threads as the store below.
class CrashPointStorage final : public Storage {
public:
    CrashPointStorage(std::unique_ptr<Storage> inner, CrashPoints points)
        : inner_(std::move(inner)), points_(std::move(points)) {}
    CrashPointStorage(const CrashPointStorage&) = delete;
    CrashPointStorage& operator=(const CrashPointStorage&) = delete;
    ~CrashPointStorage() override { write_counts(); }

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        return counted(StorageOperation::put, name.text(),
                       [&] { return inner_->put(name, content, stop); });
    }

    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override {
        return std::make_unique<CountedUpload>(
            *this, name, counted(StorageOperation::begin_upload, name.text(), [&] {
                return inner_->begin_upload(name, stop);
            }));
    }

    void end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) override {
        counted(StorageOperation::end_abandoned_uploads, {},
                [&] { inner_->end_abandoned_uploads(silence, stop); });
    }

    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override {
        return counted(StorageOperation::get, name.text(), [&] { return inner_->get(name, stop); });
    }

    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override {
        return counted(StorageOperation::get_range, name.text(),
                       [&] { return inner_->get_range(name, range, stop); });
    }

    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override {
        return counted(StorageOperation::size_bytes, name.text(),
                       [&] { return inner_->size_bytes(name, stop); });
    }

    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override {
        counted(StorageOperation::list, prefix.text(), [&] { inner_->list(prefix, visit, stop); });
    }

    void remove(const ObjectName& name, std::stop_token stop) override {
        counted(StorageOperation::remove, name.text(), [&] { inner_->remove(name, stop); });
    }

    [[nodiscard]] std::string url() const override { return inner_->url(); }
    [[nodiscard]] StorageCapabilities capabilities() const override {
        return inner_->capabilities();
    }
    [[nodiscard]] ObjectProtection* protection() override { return inner_->protection(); }

private:
    /// One thread at a time uses it.
    class CountedUpload final : public Upload {
    public:
        CountedUpload(CrashPointStorage& storage, ObjectName name, std::unique_ptr<Upload> inner)
            : storage_(storage), name_(std::move(name)), inner_(std::move(inner)) {}

        void write(BytesView piece, std::stop_token stop) override {
            storage_.counted(StorageOperation::write, name_.text(),
                             [&] { inner_->write(piece, stop); });
        }

        PutResult commit(std::stop_token stop) override {
            return storage_.counted(StorageOperation::commit, name_.text(),
                                    [&] { return inner_->commit(stop); });
        }

    private:
        CrashPointStorage& storage_;
        ObjectName name_;
        std::unique_ptr<Upload> inner_;
    };

    template <class Action>
    std::invoke_result_t<Action> counted(StorageOperation operation, const std::string& name,
                                         Action action) {
        const std::uint32_t ordinal = operations_of_process.fetch_add(1) + 1;
        if (points_.count_file) {
            const std::string line =
                fmt::format("{} {} {}\n", ordinal, operation_name(operation), name);
            lines_.with([&line](std::string& lines) { lines += line; });
        }
        if (points_.crash_before == ordinal) {
            ::_exit(kKilledStatus);
        }
        if (points_.fail_after && ordinal > *points_.fail_after) {
            throw StorageError(fmt::format("cannot {} '{}': {} was reached",
                                           operation_name(operation), name,
                                           "DB_BACKUP_TEST_FAIL_AFTER"));
        }
        if constexpr (std::is_void_v<std::invoke_result_t<Action>>) {
            action();
            crash_after(ordinal);
        } else {
            auto result = action();
            crash_after(ordinal);
            return result;
        }
    }

    void crash_after(std::uint32_t ordinal) const {
        if (points_.crash_after == ordinal) {
            ::_exit(kKilledStatus);
        }
    }

    /// One write to a file opened for appending, so that stores that end together do not mix.
    void write_counts() noexcept {
        if (!points_.count_file) {
            return;
        }
        constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
        const int descriptor = ::open(points_.count_file->c_str(), kFlags, 0600);
        if (descriptor < 0) {
            return;  // The test that wants the file finds none and fails.
        }
        lines_.with([descriptor](const std::string& lines) {
            [[maybe_unused]] const ssize_t written =
                ::write(descriptor, lines.data(), lines.size());
        });
        ::close(descriptor);
    }

    std::unique_ptr<Storage> inner_;
    CrashPoints points_;
    Guarded<std::string> lines_;
};

}  // namespace

std::unique_ptr<Storage> wrap_for_tests(std::unique_ptr<Storage> storage) {
    CrashPoints points{number("DB_BACKUP_TEST_CRASH_BEFORE"), number("DB_BACKUP_TEST_CRASH_AFTER"),
                       number("DB_BACKUP_TEST_FAIL_AFTER"), variable("DB_BACKUP_TEST_COUNT_FILE")};
    if (!storage ||
        (!points.crash_before && !points.crash_after && !points.fail_after && !points.count_file)) {
        return storage;
    }
    return std::make_unique<CrashPointStorage>(std::move(storage), std::move(points));
}

}  // namespace dbbackup
