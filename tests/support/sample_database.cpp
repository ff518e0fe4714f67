#include "support/sample_database.hpp"

#include "base/error.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kWholeStream = ~std::uint64_t{0} / 2;

void throw_if(const std::stop_token& stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
}

std::string key_text(std::uint64_t key) { return fmt::format("{:010}", key); }

const ParentStream* parent_stream(const BackupRequest& request, const std::string& name) {
    if (!request.parent) {
        return nullptr;
    }
    const auto found = std::ranges::find(request.parent->streams, name, &ParentStream::name);
    return found == request.parent->streams.end() ? nullptr : &*found;
}

}  // namespace

Bytes SampleStream::bytes() const {
    if (kind != StreamKind::rows) {
        return content;
    }
    Bytes all;
    for (const auto& [key, row] : rows) {
        all.insert(all.end(), row.begin(), row.end());
    }
    return all;
}

void SampleDatabase::set_pages(const std::string& name, Bytes content, std::uint32_t page_bytes) {
    streams_[name] = {StreamKind::pages, page_bytes, std::move(content), {}};
    changes_.push_back({name, 0, kWholeStream});
}

void SampleDatabase::set_opaque(const std::string& name, Bytes content) {
    streams_[name] = {StreamKind::opaque, 0, std::move(content), {}};
    changes_.push_back({name, 0, kWholeStream});
}

void SampleDatabase::set_page(const std::string& name, std::uint64_t page, BytesView content) {
    SampleStream& stream = streams_.at(name);
    const std::size_t at = page * stream.page_bytes;
    stream.content.resize(std::max(stream.content.size(), at + stream.page_bytes));
    std::copy_n(content.begin(), stream.page_bytes,
                stream.content.begin() + static_cast<std::ptrdiff_t>(at));
    changes_.push_back({name, page, 1});
}

void SampleDatabase::truncate_pages(const std::string& name, std::uint64_t pages) {
    SampleStream& stream = streams_.at(name);
    stream.content.resize(pages * stream.page_bytes);
    changes_.push_back({name, pages, kWholeStream});
}

void SampleDatabase::set_row(const std::string& name, std::uint64_t key, std::string row) {
    SampleStream& stream = streams_[name];
    stream.kind = StreamKind::rows;
    stream.page_bytes = 0;
    stream.rows[key] = std::move(row);
    changes_.push_back({name, key, 1});
}

bool SampleDatabase::changed(const std::string& name, std::uint64_t first, std::uint64_t count,
                             std::uint64_t version) const {
    return std::any_of(changes_.begin() + static_cast<std::ptrdiff_t>(version), changes_.end(),
                       [&](const Change& change) {
                           return change.stream == name && change.first < first + count &&
                                  first < change.first + change.count;
                       });
}

std::map<std::string, Bytes> SampleDatabase::contents() const {
    std::map<std::string, Bytes> all;
    for (const auto& [name, stream] : streams_) {
        all[name] = stream.bytes();
    }
    return all;
}

class SampleConnector::ReadingSession final : public Session {
public:
    ReadingSession(SampleConnector& connector, BackupRequest request)
        : connector_(connector), view_(connector.database_), request_(std::move(request)) {}

    std::vector<StreamPlan> plan() override {
        std::vector<StreamPlan> plans;
        for (const auto& [name, stream] : view_.streams()) {
            StreamPlan plan{
                name, stream.kind, stream.page_bytes, "definition of " + name, Consistency::view,
                {}};
            switch (stream.kind) {
                case StreamKind::pages: plan_pages(stream, plan); break;
                case StreamKind::rows: plan_rows(stream, plan); break;
                case StreamKind::opaque: plan.segments = {{{}, SegmentAction::read}}; break;
            }
            plans.push_back(std::move(plan));
        }
        return plans;
    }

    [[nodiscard]] Capture capture() const override {
        return request_.parent ? Capture::tracked : Capture::full;
    }
    [[nodiscard]] std::string reason() const override { return ""; }
    [[nodiscard]] unsigned readers_max() const override {
        return connector_.behaviour_.readers_max;
    }

    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override {
        throw_if(stop);
        if (connector_.behaviour_.before_read) {
            connector_.behaviour_.before_read(stream, segment);
        }
        ++connector_.segments_read_;
        if (connector_.behaviour_.instead_of_read) {
            connector_.behaviour_.instead_of_read(segment, sink);
            return;
        }
        const SampleStream& from = view_.streams().at(stream.name);
        switch (stream.kind) {
            case StreamKind::pages: give_pages(stream, from, segment, sink, stop); break;
            case StreamKind::rows: give_rows(from, segment, sink); break;
            case StreamKind::opaque:
                sink.opaque(from.content);
                bytes_read_ += from.content.size();
                break;
        }
    }

    SessionEnd finish(std::stop_token stop) override {
        throw_if(stop);
        if (connector_.behaviour_.before_finish) {
            connector_.behaviour_.before_finish();
        }
        SessionEnd end;
        end.position = {"sample", "", fmt::format("{}", view_.version())};
        end.state = "state of the sample connector";
        end.bytes_read = bytes_read_;
        end.is_incomplete = connector_.behaviour_.is_incomplete;
        if (end.is_incomplete) {
            end.warnings.emplace_back("a table was left out");
        }
        return end;
    }

private:
    [[nodiscard]] SegmentAction action_for(const std::string& name, const SegmentRange& range,
                                           bool parent_has_it, std::uint64_t first,
                                           std::uint64_t count) const {
        if (!request_.parent || request_.must_read || !parent_has_it) {
            return SegmentAction::read;
        }
        const std::uint64_t version = std::stoull(request_.parent->position.value);
        if (connector_.behaviour_.reuses_everything ||
            !view_.changed(name, first, count, version)) {
            return SegmentAction::reuse;
        }
        return connector_.behaviour_.uses_patches && range.page_count > 0 ? SegmentAction::patch
                                                                          : SegmentAction::read;
    }

    void plan_pages(const SampleStream& stream, StreamPlan& plan) const {
        const std::uint64_t pages = stream.content.size() / stream.page_bytes;
        const std::uint64_t step = connector_.behaviour_.segment_pages;
        const ParentStream* parent = parent_stream(request_, plan.name);
        const bool is_alike = parent != nullptr && parent->page_bytes == stream.page_bytes &&
                              parent->kind == StreamKind::pages;
        const std::uint64_t parent_pages = is_alike ? parent->size_bytes / stream.page_bytes : 0;
        for (std::uint64_t first = 0; first < pages; first += step) {
            SegmentRange range;
            range.first_page = first;
            range.page_count = std::min(step, pages - first);
            const bool parent_has_it =
                range.page_count == std::min(step, parent_pages - std::min(parent_pages, first));
            plan.segments.push_back(
                {range, action_for(plan.name, range, parent_has_it, first, range.page_count)});
        }
    }

    void plan_rows(const SampleStream& stream, StreamPlan& plan) const {
        const std::uint64_t step = connector_.behaviour_.segment_rows;
        const std::uint64_t last = stream.rows.empty() ? 0 : stream.rows.rbegin()->first;
        const ParentStream* parent = parent_stream(request_, plan.name);
        for (std::uint64_t first = 0; first <= last; first += step) {
            SegmentRange range;
            range.lower = key_text(first);
            range.upper = key_text(first + step);
            const bool parent_has_it =
                parent != nullptr &&
                std::ranges::find(parent->segments, range) != parent->segments.end();
            plan.segments.push_back(
                {range, action_for(plan.name, range, parent_has_it, first, step)});
        }
    }

    void give_pages(const StreamPlan& stream, const SampleStream& from, const SegmentPlan& segment,
                    SegmentSink& sink, const std::stop_token& stop) {
        // Portions of three pages, so that chunk and portion ends differ.
        constexpr std::uint64_t kPortionPages = 3;
        const SegmentRange& range = segment.range;
        const bool is_patch = segment.action == SegmentAction::patch;
        const std::uint64_t step = is_patch ? 1 : kPortionPages;
        for (std::uint64_t page = range.first_page; page < range.first_page + range.page_count;
             page += step) {
            throw_if(stop);
            if (is_patch && !view_.changed(stream.name, page, 1,
                                           std::stoull(request_.parent->position.value))) {
                continue;
            }
            const std::uint64_t count = std::min(step, range.first_page + range.page_count - page);
            sink.pages(
                page,
                BytesView(from.content).subspan(page * from.page_bytes, count * from.page_bytes));
            bytes_read_ += count * from.page_bytes;
        }
    }

    void give_rows(const SampleStream& from, const SegmentPlan& segment, SegmentSink& sink) {
        Bytes rows;
        std::vector<std::uint32_t> ends;
        for (const auto& [key, row] : from.rows) {
            if (key_text(key) >= segment.range.lower && key_text(key) < segment.range.upper) {
                rows.insert(rows.end(), row.begin(), row.end());
                ends.push_back(static_cast<std::uint32_t>(rows.size()));
            }
        }
        bytes_read_ += rows.size();
        sink.rows(rows, ends);
    }

    SampleConnector& connector_;
    SampleDatabase view_;
    BackupRequest request_;
    std::atomic<std::uint64_t> bytes_read_ = 0;
};

class SampleConnector::WritingSession final : public RestoreSession {
public:
    WritingSession(SampleConnector& connector, RestoreRequest request)
        : connector_(connector), request_(std::move(request)) {}

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }

    void apply(StreamReader& stream, std::stop_token stop) override {
        Bytes content(stream.stream().size_bytes);
        const unsigned piece = connector_.behaviour_.restore_piece_bytes;
        if (piece == 0) {
            std::mutex mutex;
            stream.read_all(
                [&](std::uint64_t offset, BytesView bytes) {
                    const std::lock_guard lock(mutex);
                    if (offset + bytes.size() > content.size()) {
                        throw SourceError("a part beyond the end of the stream");
                    }
                    std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(offset));
                },
                stop);
        }
        for (std::size_t at = 0; piece != 0 && at < content.size(); at += piece) {
            const std::size_t count = std::min<std::size_t>(piece, content.size() - at);
            stream.read_at(at, std::span(content).subspan(at, count), stop);
        }
        pages_.push_back(stream.stream());
        restored_[stream.stream().name] = std::move(content);
    }

    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override {
        throw_if(stop);
        RestoreReport report;
        for (const StoredStream& stream : pages_) {
            const Bytes& content = restored_.at(stream.name);
            report.bytes_written += content.size();
            if (request_.verify && stream.kind == StreamKind::pages &&
                fingerprinter.of_pages(content, stream.page_bytes, 0) != stream.fingerprint) {
                throw SourceError("the restored stream differs: " + stream.name);
            }
        }
        report.is_verified = request_.verify;
        connector_.targets_[request_.target] = std::move(restored_);
        return report;
    }

private:
    SampleConnector& connector_;
    RestoreRequest request_;
    RestorePlan plan_{{"write the sample"}, {}, 0, 0, false, "1.0", "new", {}};
    std::vector<StoredStream> pages_;
    std::map<std::string, Bytes> restored_;
};

Probe SampleConnector::probe(std::stop_token stop) {
    throw_if(stop);
    Probe probe;
    probe.identity = behaviour_.identity;
    probe.suggested_name = "sample";
    probe.server_version = "sample 1.0";
    for (const auto& [name, stream] : database_.streams()) {
        probe.source_bytes += stream.bytes().size();
    }
    return probe;
}

Continuity SampleConnector::check(const Parent& parent, std::stop_token stop) {
    throw_if(stop);
    if (std::stoull(parent.position.value) < behaviour_.record_begins_at) {
        return {false, "the record begins at " + std::to_string(behaviour_.record_begins_at)};
    }
    return {true, ""};
}

std::unique_ptr<Session> SampleConnector::begin(const BackupRequest& request,
                                                std::stop_token stop) {
    throw_if(stop);
    return std::make_unique<ReadingSession>(*this, request);
}

std::unique_ptr<RestoreSession> SampleConnector::restore(
    const RestoreRequest& request, const std::vector<StoredStream>& /*streams*/,
    std::stop_token stop) {
    throw_if(stop);
    if (targets_.contains(request.target) && request.overwrite == Overwrite::no) {
        throw explained<ConfigError>("the target is not empty", "Choose another one.",
                                     "target_not_empty");
    }
    return std::make_unique<WritingSession>(*this, request);
}

SampleDatabase sample_shop(std::size_t pages, std::size_t script_bytes, std::uint64_t rows) {
    constexpr std::size_t kPageBytes = 4096;
    SampleDatabase shop;
    shop.set_pages("pages", page_like(1, pages * kPageBytes), kPageBytes);
    shop.set_opaque("script", page_like(2, script_bytes));
    for (std::uint64_t key = 0; key < rows; ++key) {
        shop.set_row("orders", key, fmt::format("{}\torder number {}\n", key, key * 7));
    }
    return shop;
}

}  // namespace dbbackup
