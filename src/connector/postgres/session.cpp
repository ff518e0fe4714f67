#include "connector/postgres/session.hpp"

#include "base/error.hpp"
#include "connector/postgres/globals.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace dbbackup::postgres {
namespace {

constexpr std::size_t kNamesShownMax = 20;

}  // namespace

PostgresSession::PostgresSession(const ConnectionInfo& info, const SourceOptions& options,
                                 BackupRequest request, std::stop_token stop)
    : info_(info),
      lock_timeout_(options.lock_timeout),
      request_(std::move(request)),
      jobs_(std::max(1U, request_.jobs)),
      stop_(std::move(stop)),
      server_(is_set(options) ? connect_to_server(info_, options, stop_) : nullptr),
      set_(is_of_set() ? find_databases(*server_, info_, options, stop_) : one_database(options)),
      capture_(request_.parent && !request_.must_read ? Capture::tracked : Capture::full) {
    clear_patterns(set_, info_, stop_);
    warnings_ = set_.notes;
    warnings_.insert(warnings_.end(), set_.lost.begin(), set_.lost.end());
    note_gone();
}

void PostgresSession::note_gone() {
    if (!is_of_set() || !request_.parent) {
        return;
    }
    std::set<std::string> gone;
    for (const ParentStream& stream : request_.parent->streams) {
        gone.insert(database_of_stream(stream.name));
    }
    gone.erase("");
    for (const std::string& each : set_.names) {
        gone.erase(each);
    }
    if (gone.empty()) {
        return;
    }
    std::vector<std::string> names(gone.begin(), gone.end());
    const std::size_t more = names.size() - std::min(names.size(), kNamesShownMax);
    names.resize(names.size() - more);
    warnings_.push_back(fmt::format(
        "no longer in this source: {}{}; snapshot {} has them as they were", fmt::join(names, ", "),
        more > 0 ? fmt::format(" and {} more", more) : std::string(), request_.parent->snapshot));
}

bool PostgresSession::is_in_parent() const {
    return request_.parent &&
           std::ranges::any_of(request_.parent->streams, [this](const ParentStream& stream) {
               return database_of_stream(stream.name) == name();
           });
}

BackupRequest PostgresSession::request_for_database() const {
    BackupRequest request = request_;
    if (!is_of_set() || !request.parent) {
        return request;
    }
    if (!is_in_parent()) {
        request.parent.reset();  // It is new.
        return request;
    }
    std::erase_if(request.parent->streams, [this](const ParentStream& stream) {
        return database_of_stream(stream.name) != name();
    });
    // Where there was one view, its notes are those of the snapshot.
    const std::string& state = request.parent->streams.back().state;
    if (!state.empty()) {
        request.parent->state = state;
    }
    return request;
}

std::optional<bool> PostgresSession::is_still_there() {
    const std::lock_guard lock(server_mutex_);
    try {
        return server_->query("SELECT FROM pg_catalog.pg_database WHERE datname = $1", {name()})
                   .count() > 0;
    } catch (const ServerError&) {
        return std::nullopt;
    }
}

template <class Work>
auto PostgresSession::or_give_up(const Work& work) {
    try {
        return work();
    } catch (const SourceError& error) {
        // With the server away, all that comes next would be given up, too: that is a failure.
        if (!set_.is_all || error.code() == "tool_missing" || !is_still_there()) {
            throw;
        }
        throw ViewGivenUp(fmt::format(
            "left out {}: {}{}", name(), error.what(),
            is_in_parent()
                ? fmt::format("; snapshot {} has it as it was then", request_.parent->snapshot)
                : std::string()));
    }
}

std::vector<StreamPlan> PostgresSession::plan() {
    return or_give_up([this] { return plan_database(); });
}

std::vector<StreamPlan> PostgresSession::plan_database() {
    try {
        reader_ =
            std::make_unique<DatabaseReader>(info_of(info_, name()), lock_timeout_, set_.choice,
                                             request_for_database(), tools_, stop_);
    } catch (const ServerError&) {
        if (!set_.is_all || is_still_there().value_or(true)) {
            throw;
        }
        warnings_.push_back(fmt::format("{} was dropped meanwhile", name()));
        return {};
    }
    std::vector<StreamPlan> plans;
    begins_roles_ = !has_roles_;
    if (request_.parent && !request_.must_read) {
        // Planning may wait for the server's record of changes. Where it does not, reading begins
        // soon, and a dry run begins nothing.
        reader_->begin();
        if (begins_roles_) {
            begin_roles();
        }
    }
    if (begins_roles_) {
        plans.push_back(opaque_stream(special_stream_name("", kRolesStream), Consistency::fuzzy));
    }
    std::ranges::move(reader_->plan(stop_), std::back_inserter(plans));
    has_roles_ = true;
    if (reader_->capture() == Capture::reread) {
        capture_ = Capture::reread;
        reason_ += fmt::format("{}{}{}", reason_.empty() ? "" : "; ",
                               is_of_set() ? name() + ": " : std::string(), reader_->reason());
    }
    return plans;
}

void PostgresSession::read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
                           std::stop_token stop) {
    or_give_up([&] {
        if (stream.name == special_stream_name("", kRolesStream)) {
            read_roles(sink, stop);
        } else {
            reader_->read(stream, segment, sink, stop);
        }
    });
}

void PostgresSession::begin_roles() {
    roles_.emplace(
        [this, &database = name()](const EarlyOutput::Take& take, const std::stop_token& stop) {
            roles_warnings_ = dump_globals(info_of(info_, database), tools_, take, stop);
        });
}

void PostgresSession::read_roles(SegmentSink& sink, const std::stop_token& stop) {
    if (!roles_) {
        begin_roles();
    }
    roles_->read(
        [&](BytesView part) {
            bytes_read_ += part.size();
            sink.opaque(part);
        },
        stop);
    const std::lock_guard lock(warnings_mutex_);
    std::ranges::move(roles_warnings_, std::back_inserter(warnings_));
}

SessionEnd PostgresSession::finish(std::stop_token stop) {
    SessionEnd end;
    if (reader_) {
        end = or_give_up([&] { return reader_->finish(stop); });
        reader_.reset();
        position_ = end.position;
        begins_roles_ = false;
    }
    if (is_of_set()) {
        end.position = {position_.source_id, {}, {}};
        for (std::string& warning : end.warnings) {
            warning = fmt::format("{}: {}", name(), warning);
        }
        end.position.value =
            fmt::format("{} databases, each at a moment of its own", set_.names.size());
    }
    end.bytes_read += bytes_read_.exchange(0);
    end.warnings.insert(end.warnings.begin(), warnings_.begin(), warnings_.end());
    warnings_.clear();
    end.is_incomplete = end.is_incomplete || !set_.lost.empty();
    return end;
}

void PostgresSession::next_view() {
    if (begins_roles_) {
        has_roles_ = false;  // They went with what was given up.
        begins_roles_ = false;
    }
    roles_.reset();
    reader_.reset();
    ++index_;
}

}  // namespace dbbackup::postgres
