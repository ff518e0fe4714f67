#include "connector/sqlite/set_session.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/sqlite/reachability.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace dbbackup::sqlite {
namespace {

/// Of all definitions together: they are all in one manifest.
constexpr std::uint64_t kObjectsBytesOfAll = 8_MiB;
constexpr std::size_t kNamesShownMax = 20;

/// How each of them is read.
SourceOptions options_of_member(const SourceOptions& options) {
    SourceOptions member;
    member.spool_bytes = options.spool_bytes;
    member.spool_directory = options.spool_directory;
    member.allow_corrupt = options.allow_corrupt;
    member.lock_timeout = options.lock_timeout;
    return member;
}

}  // namespace

SetSession::SetSession(const SourceOptions& options, BackupRequest request, const Clock& clock,
                       std::stop_token stop)
    : member_options_(options_of_member(options)),
      request_(std::move(request)),
      clock_(clock),
      stop_(std::move(stop)),
      set_(find_databases(options)),
      capture_(request_.parent ? Capture::unchanged : Capture::full),
      objects_bytes_left_(kObjectsBytesOfAll),
      warnings_(set_.notes),
      is_incomplete_(!set_.lost.empty()) {
    warnings_.insert(warnings_.end(), set_.lost.begin(), set_.lost.end());
    note_gone();
}

void SetSession::note_gone() {
    if (!request_.parent) {
        return;
    }
    std::set<std::string> names;
    for (const SetMember& each : set_.members) {
        names.insert(each.name);
    }
    std::vector<std::string> gone;
    for (const ParentStream& stream : request_.parent->streams) {
        if (!names.contains(stream.name)) {
            gone.push_back(stream.name);
        }
    }
    if (gone.empty()) {
        return;
    }
    const std::size_t more = gone.size() - std::min(gone.size(), kNamesShownMax);
    gone.resize(gone.size() - more);
    warnings_.push_back(fmt::format(
        "no longer in this source: {}{}; snapshot {} has them as they were", fmt::join(gone, ", "),
        more > 0 ? fmt::format(" and {} more", more) : std::string(), request_.parent->snapshot));
}

const ParentStream* SetSession::parent_stream() const {
    if (!request_.parent) {
        return nullptr;
    }
    const auto& streams = request_.parent->streams;
    const auto found = std::ranges::find(streams, member().name, &ParentStream::name);
    return found == streams.end() ? nullptr : &*found;
}

BackupRequest SetSession::request_for_member() const {
    BackupRequest request;
    request.jobs = request_.jobs;
    request.must_read = request_.must_read;
    if (const ParentStream* const before = parent_stream()) {
        Parent parent;
        // A stream of this name may have been another file; its signs tell them apart.
        parent.position.source_id = identity_of(member().path);
        parent.state = before->state;
        parent.streams = {*before};
        request.parent = std::move(parent);
    }
    return request;
}

std::string SetSession::where_it_was() const {
    return parent_stream() == nullptr
               ? std::string()
               : fmt::format("; snapshot {} has it as it was then", request_.parent->snapshot);
}

template <class Work>
auto SetSession::or_give_up(const Work& work) {
    try {
        return work();
    } catch (const SourceError& error) {
        current_.reset();
        if (!set_.is_folder) {
            throw;
        }
        throw ViewGivenUp(
            fmt::format("left out {}: {}{}", member().name, error.what(), where_it_was()));
    }
}

std::vector<StreamPlan> SetSession::plan() {
    return or_give_up([this] { return plan_member(); });
}

std::vector<StreamPlan> SetSession::plan_member() {
    member_options_.database = member().path.native();
    try {
        current_ =
            std::make_unique<SqliteSession>(member_options_, request_for_member(), clock_, stop_);
    } catch (const SourceError& error) {
        if (!set_.is_folder || error.code() != "source_missing") {
            throw;
        }
        warnings_.push_back(
            fmt::format("{} was removed meanwhile{}", member().name, where_it_was()));
        return {};
    }
    refuse_patterns_of_tables();
    current_->name_stream(member().name, objects_bytes_left_);
    std::vector<StreamPlan> plans = current_->plan();
    const std::uint64_t bytes = plans.front().definition.size();
    objects_bytes_left_ -= std::min(objects_bytes_left_, bytes);
    if (request_.parent && current_->capture() != Capture::unchanged) {
        capture_ = Capture::compared;
    }
    return plans;
}

void SetSession::refuse_patterns_of_tables() const {
    if (set_.unmatched.empty()) {
        return;
    }
    for (const std::string& table : current_->tables()) {
        const std::array<NamePart, 2> parts = {
            {{.text = member().name}, {.text = table, .letter_case = NameCase::ignored}}};
        for (const NamePattern& pattern : set_.unmatched) {
            if (pattern.matches(parts)) {
                throw explained<ConfigError>(
                    fmt::format("the pattern {} names the table {} of {}, and a SQLite database "
                                "can only be backed up whole",
                                pattern.text(), table, member().name),
                    "Give patterns that name whole databases; tables are chosen when restoring.",
                    "selection_not_supported");
            }
        }
    }
}

void SetSession::read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
                      std::stop_token stop) {
    or_give_up([&] { current_->read(stream, segment, sink, stop); });
}

SessionEnd SetSession::finish(std::stop_token stop) {
    SessionEnd end;
    if (current_) {
        end = or_give_up([&] { return current_->finish(stop); });
        current_.reset();
        for (std::string& warning : end.warnings) {
            warning = fmt::format("{}: {}", member().name, warning);
        }
    }
    end.position = {
        .source_id = set_.identity,
        .history = {},
        .value = fmt::format("{} databases, each at a moment of its own", set_.members.size())};
    end.warnings.insert(end.warnings.begin(), warnings_.begin(), warnings_.end());
    warnings_.clear();
    end.is_incomplete = end.is_incomplete || is_incomplete_;
    return end;
}

void SetSession::next_view() {
    current_.reset();
    ++index_;
}

}  // namespace dbbackup::sqlite
