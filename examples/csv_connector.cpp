#include "examples/csv_connector.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "examples/csv_restore.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;

/// Small enough that a change of one line makes little to be read, and large enough that a table
/// of a terabyte has a plan that fits into memory.
constexpr std::uint64_t kSegmentBytes = 1_MiB;
/// The longest line that is looked for when a segment is cut.
constexpr std::size_t kStepBytes = 64_KiB;

/// What changes when somebody writes to a file, and not when another one takes its name.
struct Stamp {
    off_t size = 0;
    std::int64_t written_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

Stamp stamp_of(const File& file) {
    struct stat facts = {};
    if (::fstat(file.descriptor(), &facts) != 0) {
        throw FileError("look at", file.path(), errno);
    }
    return {facts.st_size, facts.st_mtim.tv_sec * 1'000'000'000LL + facts.st_mtim.tv_nsec};
}

/// One file of the view. Open from the beginning: a file that is renamed over it is not seen.
struct Table {
    std::string name;
    File file;
    Stamp stamp;
};

std::vector<Table> open_tables(const fs::path& folder) {
    if (!fs::is_directory(folder)) {
        throw explained<SourceError>(fmt::format("there is no folder {}", folder.native()),
                                     "Name a folder of CSV files.", "source_missing");
    }
    std::vector<Table> tables;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().extension() == ".csv") {
            File file = File::open(entry.path(), File::Mode::read);
            const Stamp stamp = stamp_of(file);
            tables.push_back({entry.path().filename().native(), std::move(file), stamp});
        }
    }
    // The order of a folder is anyone's guess; that of a snapshot is not.
    std::ranges::sort(tables, {}, &Table::name);
    return tables;
}

/// The first place at or after `from` where a line ends, or the end of the file.
std::uint64_t line_end(const Table& table, std::uint64_t from) {
    const auto size = static_cast<std::uint64_t>(table.stamp.size);
    for (std::uint64_t at = from; at < size; at += kStepBytes) {
        const Bytes step =
            read_range(table.file, at, std::min<std::uint64_t>(at + kStepBytes, size));
        const auto feed = std::ranges::find(step, '\n');
        if (feed != step.end()) {
            return at + static_cast<std::uint64_t>(feed - step.begin()) + 1;
        }
    }
    return size;
}

class CsvSession final : public Session {
public:
    CsvSession(const fs::path& folder, const BackupRequest& request)
        : folder_(folder),
          capture_(request.parent ? Capture::compared : Capture::full),
          jobs_(request.jobs),
          tables_(of_source([&] { return open_tables(folder); })) {}

    std::vector<StreamPlan> plan() override {
        return of_source([this] {
            std::vector<StreamPlan> streams;
            for (const Table& table : tables_) {
                streams.push_back(plan_of(table));
            }
            return streams;
        });
    }

    [[nodiscard]] Capture capture() const override { return capture_; }
    [[nodiscard]] std::string reason() const override { return {}; }
    [[nodiscard]] unsigned readers_max() const override { return jobs_; }

    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        const auto table = std::ranges::find(tables_, stream.name, &Table::name);
        const Bytes bytes = of_source([&] {
            return read_range(table->file, std::stoull(segment.range.lower),
                              std::stoull(segment.range.upper));
        });
        if (stream.kind == StreamKind::opaque) {
            sink.opaque(bytes);
            return;
        }
        std::vector<std::uint32_t> ends;
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            if (bytes[at] == '\n') {
                ends.push_back(static_cast<std::uint32_t>(at + 1));
            }
        }
        sink.rows(bytes, ends);
    }

    SessionEnd finish(std::stop_token /*stop*/) override {
        SessionEnd end;
        end.position.source_id = folder_.native();
        for (const Table& table : tables_) {
            if (of_source([&] { return stamp_of(table.file); }) != table.stamp) {
                throw explained<SourceError>(
                    fmt::format("{} was written to while it was read", table.name),
                    "Replace a file by renaming a new one over it.", "view_lost");
            }
            end.bytes_read += static_cast<std::uint64_t>(table.stamp.size);
        }
        end.position.value = std::to_string(end.bytes_read);
        return end;
    }

private:
    static StreamPlan plan_of(const Table& table) {
        const auto size = static_cast<std::uint64_t>(table.stamp.size);
        StreamPlan stream;
        stream.name = table.name;
        // Rows end with a line feed; a file whose last line has none is kept as what it is: bytes.
        stream.kind = size == 0 || read_range(table.file, size - 1, size).front() == '\n'
                          ? StreamKind::rows
                          : StreamKind::opaque;
        for (std::uint64_t first = 0; first < size;) {
            const std::uint64_t end = line_end(table, std::min(first + kSegmentBytes, size) - 1);
            SegmentPlan segment;
            segment.range.lower = std::to_string(first);
            segment.range.upper = std::to_string(end);
            stream.segments.push_back(std::move(segment));
            first = end;
        }
        return stream;
    }

    fs::path folder_;
    Capture capture_;
    unsigned jobs_;
    std::vector<Table> tables_;
};

class CsvConnector final : public Connector {
public:
    explicit CsvConnector(SourceOptions options) : folder_(std::move(options.database)) {}

    Probe probe(std::stop_token /*stop*/) override {
        Probe probe;
        for (const Table& table : of_source([this] { return open_tables(folder_); })) {
            probe.source_bytes += static_cast<std::uint64_t>(table.stamp.size);
        }
        probe.identity = fs::canonical(folder_).native();
        probe.suggested_name = "csv";
        probe.server_version = "RFC 4180";
        return probe;
    }

    std::vector<Capability> capabilities(std::stop_token /*stop*/) override {
        return {{"full backup", Support::yes, "", ""},
                {"tracked incremental", Support::no,
                 "a folder keeps no record of what changed in its files", ""}};
    }

    /// There is no record of changes that could have a gap.
    Continuity check(const Parent& /*parent*/, std::stop_token /*stop*/) override {
        return {true, ""};
    }

    std::unique_ptr<Session> begin(const BackupRequest& request,
                                   std::stop_token /*stop*/) override {
        return std::make_unique<CsvSession>(folder_, request);
    }

    std::unique_ptr<RestoreSession> restore(const RestoreRequest& request,
                                            const std::vector<StoredStream>& /*streams*/,
                                            std::stop_token /*stop*/) override {
        if (!request.selection.is_everything()) {
            throw explained<ConfigError>("single files cannot be restored yet",
                                         "Restore all of them to a new folder.",
                                         "selection_not_supported");
        }
        return make_csv_restore(request);
    }

private:
    fs::path folder_;
};

}  // namespace

std::unique_ptr<Connector> make_csv_connector(SourceOptions options) {
    return std::make_unique<CsvConnector>(std::move(options));
}

}  // namespace dbbackup
