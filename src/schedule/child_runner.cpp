#include "schedule/child_runner.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "sys/child_process.hpp"
#include "sys/parent_death.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace dbbackup {
namespace {

/// What a command prints as JSON is a page at most; more is none of ours.
constexpr std::size_t kOutputMax = 4_MiB;
constexpr std::size_t kErrorsMax = 4_KiB;

void keep_last(std::string& text, BytesView part, std::size_t most) {
    text += as_text(part);
    if (text.size() > most) {
        text.erase(0, text.size() - most);
    }
}

/// What the command said in its JSON document: the snapshot, or the error.
void read_document(const std::string& output, RunEnd& end) {
    const auto text = [](const nlohmann::json& object, const char* key) {
        const auto found = object.find(key);
        return found != object.end() && found->is_string() ? found->get<std::string>() : "";
    };
    // Durations have fractions, so it is no plain JSON.
    const nlohmann::json document = nlohmann::json::parse(output, nullptr, false);
    if (!document.is_object()) {
        return;
    }
    end.snapshot = text(document, "snapshot");
    const auto error = document.find("error");
    if (error != document.end() && error->is_object()) {
        end.message = text(*error, "message");
        end.hint = text(*error, "hint");
    } else if (const auto warnings = document.find("warnings");
               warnings != document.end() && warnings->is_array()) {
        for (const nlohmann::json& each : *warnings) {
            if (each.is_string()) {
                end.message += (end.message.empty() ? "" : "\n") + each.get<std::string>();
            }
        }
    }
}

void add_mark(const JobStep& step, RunEnd& end) {
    if (!step.mark.empty()) {
        end.done.push_back(step.mark);
    }
}

RunStatus status_of(int exit_code) {
    switch (static_cast<ExitCode>(exit_code)) {
        case ExitCode::success: return RunStatus::succeeded;
        case ExitCode::incomplete: return RunStatus::incomplete;
        default: return RunStatus::failed;
    }
}

}  // namespace

ChildRunner::ChildRunner(StepsOf steps, std::vector<std::string> variables,
                         std::chrono::seconds grace, std::filesystem::path locks)
    : steps_(std::move(steps)),
      variables_(std::move(variables)),
      grace_(grace),
      locks_(std::move(locks)) {}

ChildRunner::~ChildRunner() {
    for (auto& [run, running] : running_) {
        running.thread.request_stop();
    }
    running_.clear();  // Joins.
}

bool ChildRunner::claim(const std::string& job) {
    std::optional<NamedLock> lock = NamedLock::take(locks_, job);
    if (lock) {
        claims_.insert_or_assign(job, std::move(*lock));
    }
    return lock.has_value();
}

bool ChildRunner::is_claimed(const std::string& job) { return NamedLock::is_held(locks_, job); }

void ChildRunner::start(const JobRun& run) {
    auto claim = claims_.extract(run.job);
    try {
        const int lock = claim.mapped().descriptor();
        std::jthread thread([this, run, lock, steps = steps_(run)](const std::stop_token& stop) {
            this->run(run, steps, lock, stop);
        });
        running_.emplace(run.id, Running{std::move(claim.mapped()), std::move(thread)});
    } catch (const std::exception& error) {
        add_end({.run = run.id,
                 .exit_code = static_cast<int>(ExitCode::failure),
                 .message = fmt::format("it could not be started: {}", error.what())});
    }
}

void ChildRunner::add_end(RunEnd end) {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::move(end));
    changed_.notify_all();
}

void ChildRunner::stop(std::int64_t run) {
    if (const auto found = running_.find(run); found != running_.end()) {
        found->second.thread.request_stop();
    }
}

std::vector<RunEnd> ChildRunner::take_ended() {
    std::vector<RunEnd> ended;
    {
        const std::lock_guard lock(mutex_);
        ended = std::exchange(ended_, {});
    }
    for (const RunEnd& each : ended) {
        running_.erase(each.run);
    }
    return ended;
}

void ChildRunner::wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [this] { return is_awake_ || !ended_.empty(); });
    is_awake_ = false;
}

void ChildRunner::wake() {
    const std::lock_guard lock(mutex_);
    is_awake_ = true;
    changed_.notify_all();
}

void ChildRunner::run(const JobRun& run, const std::vector<JobStep>& steps, int lock,
                      const std::stop_token& stop) {
    RunEnd end;
    for (const JobStep& step : steps) {
        if (&step == &steps.front()) {
            end = run_step(step, lock, stop);
            if (!is_good(end.status)) {
                break;
            }
            add_mark(step, end);
            continue;
        }
        if (stop.stop_requested()) {
            break;  // The snapshot stands; what tidies up is done the next time.
        }
        const RunEnd after = run_step(step, lock, stop);
        if (after.status != RunStatus::succeeded) {
            end.status = RunStatus::incomplete;
            end.exit_code = after.exit_code;
            end.hint = after.hint;
            end.message += fmt::format("{}the backup is good, but {} failed: {}",
                                       end.message.empty() ? "" : "\n", step.name, after.message);
        } else {
            add_mark(step, end);
        }
    }
    end.run = run.id;
    add_end(std::move(end));
}

RunEnd ChildRunner::run_step(const JobStep& step, int lock, const std::stop_token& stop) const {
    RunEnd end;
    std::string output;
    std::string errors;
    ChildTask task;
    task.arguments = step.words;
    task.variables = variables_;
    task.variables.push_back(parent_variable(lock));
    task.grace = grace_;
    task.inherited = {lock};
    task.take_output = [&output](BytesView part) { keep_last(output, part, kOutputMax); };
    task.take_errors = [&errors](BytesView part) { keep_last(errors, part, kErrorsMax); };
    try {
        end.exit_code = run_child(task, stop);
        end.status = status_of(end.exit_code);
        read_document(output, end);
    } catch (const Cancelled&) {
        end.status = RunStatus::interrupted;
        end.exit_code = static_cast<int>(ExitCode::cancelled);
        end.message = "it did not end when it was asked to, and was killed";
    } catch (const Error& error) {
        end.status = RunStatus::failed;
        end.exit_code = static_cast<int>(ExitCode::failure);
        end.message = error.what();
    }
    if (!is_good(end.status) && end.message.empty()) {
        const std::size_t last = errors.find_last_not_of('\n');
        errors.resize(last == std::string::npos ? 0 : last + 1);
        end.message = errors.empty() ? fmt::format("it ended with exit code {}", end.exit_code)
                                     : errors.substr(errors.rfind('\n') + 1);
    }
    return end;
}

}  // namespace dbbackup
