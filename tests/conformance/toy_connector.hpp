#pragma once

/// @file
/// The smallest complete connector: a text file of "key=value" lines as a database. It shows what
/// a new kind of database has to bring, and keeps the conformance suite honest for row streams.

#include "base/error.hpp"
#include "connector/connector.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

namespace toy {

constexpr std::size_t kRowsASegment = 4;

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The rows, each with its end of line.
inline std::vector<std::string> rows_of(const std::string& text) {
    std::vector<std::string> rows;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
        rows.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return rows;
}

}  // namespace toy

/// The whole file, read at the beginning, is the consistent view.
class ToySession final : public Session {
public:
    ToySession(const std::filesystem::path& path, const BackupRequest& request)
        : path_(path),
          parent_(request.parent),
          must_read_(request.must_read),
          text_(toy::read_text(path)) {
        if (!std::filesystem::exists(path)) {
            throw SourceError("there is no " + path.native());
        }
    }

    std::vector<StreamPlan> plan() override {
        StreamPlan stream;
        stream.name = "rows";
        stream.kind = StreamKind::rows;
        rows_ = toy::rows_of(text_);
        capture_ = !parent_                                 ? Capture::full
                   : !must_read_ && parent_->state == text_ ? Capture::unchanged
                                                            : Capture::compared;
        for (std::size_t first = 0; first < rows_.size(); first += toy::kRowsASegment) {
            SegmentPlan segment;
            segment.range.lower = std::to_string(first);
            segment.range.upper =
                std::to_string(std::min(first + toy::kRowsASegment, rows_.size()));
            segment.action =
                capture_ == Capture::unchanged ? SegmentAction::reuse : SegmentAction::read;
            stream.segments.push_back(std::move(segment));
        }
        return {std::move(stream)};
    }
    [[nodiscard]] Capture capture() const override { return capture_; }
    [[nodiscard]] std::string reason() const override { return {}; }
    [[nodiscard]] unsigned readers_max() const override { return 4; }  // `read` changes nothing.

    void read(const StreamPlan&, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        std::string text;
        std::vector<std::uint32_t> ends;
        for (std::size_t row = std::stoul(segment.range.lower);
             row < std::stoul(segment.range.upper); ++row) {
            text += rows_.at(row);
            ends.push_back(static_cast<std::uint32_t>(text.size()));
        }
        sink.rows(as_bytes(text), ends);
    }

    SessionEnd finish(std::stop_token) override {
        SessionEnd end;
        end.position = {path_.native(), "", std::to_string(text_.size())};
        end.state = text_;
        end.bytes_read = text_.size();
        return end;
    }

private:
    std::filesystem::path path_;
    std::optional<Parent> parent_;
    bool must_read_;
    std::string text_;
    std::vector<std::string> rows_;
    Capture capture_ = Capture::full;
};

/// Collects everything in memory and writes it when it is finished.
class ToyRestore final : public RestoreSession {
public:
    explicit ToyRestore(const RestoreRequest& request) : target_(request.target) {
        const bool is_there = std::filesystem::exists(target_);
        if (is_there && request.overwrite == Overwrite::no) {
            throw explained<ConfigError>("the target already exists", "Write over it with --clean.",
                                         "target_not_empty");
        }
        if (!std::filesystem::is_directory(target_.parent_path())) {
            throw explained<ConfigError>("there is no such folder", "Make it.",
                                         "target_missing_folder");
        }
        plan_.steps = {"Write the rows to " + target_.native() + "."};
        plan_.overwrites = is_there;
    }

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }

    void apply(StreamReader& stream, std::stop_token stop) override {
        std::mutex mutex;
        std::map<std::uint64_t, std::string> parts;
        stream.read_all(
            [&](std::uint64_t offset, BytesView bytes) {
                const std::lock_guard lock(mutex);
                parts[offset] = as_text(bytes);
            },
            std::move(stop));
        for (const auto& [offset, part] : parts) {
            text_ += part;
        }
        rows_ = stream.stream().row_count;
    }

    RestoreReport finish(const Fingerprinter&, std::stop_token) override {
        const std::filesystem::path hidden = target_.native() + ".new";
        std::ofstream(hidden, std::ios::binary) << text_;
        std::filesystem::rename(hidden, target_);
        RestoreReport report;
        report.bytes_written = text_.size();
        report.rows = rows_;
        report.is_verified = toy::read_text(target_) == text_;
        return report;
    }

private:
    std::filesystem::path target_;
    RestorePlan plan_;
    std::string text_;
    std::uint64_t rows_ = 0;
};

class ToyConnector final : public Connector {
public:
    explicit ToyConnector(std::filesystem::path path) : path_(std::move(path)) {}

    Probe probe(std::stop_token) override {
        const ToySession session(path_, {});
        Probe probe;
        probe.identity = path_.native();
        probe.suggested_name = "toy-" + path_.stem().native();
        probe.server_version = "1";
        probe.source_bytes = std::filesystem::file_size(path_);
        return probe;
    }
    std::vector<Capability> capabilities(std::stop_token) override {
        return {{"full backup", Support::yes, "", ""}};
    }
    Continuity check(const Parent&, std::stop_token) override { return {true, ""}; }
    std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token) override {
        return std::make_unique<ToySession>(path_, request);
    }
    std::unique_ptr<RestoreSession> restore(const RestoreRequest& request,
                                            const std::vector<StoredStream>&,
                                            std::stop_token) override {
        if (!request.selection.is_everything()) {
            throw explained<ConfigError>("a file of lines can only be restored whole",
                                         "Leave out the selection.", "selection_not_supported");
        }
        return std::make_unique<ToyRestore>(request);
    }

private:
    std::filesystem::path path_;
};

}  // namespace dbbackup
