#include "cli/doctor_repository.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/config_trials.hpp"
#include "repository/store_proof.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

/// Where a listing tells whole seconds, and clocks are set from time to time. Amazon refuses what
/// is 15 minutes off.
constexpr std::chrono::seconds kSkewMax{60};

std::chrono::sys_seconds now(const CommandContext& context) {
    return std::chrono::floor<std::chrono::seconds>(context.clock.now());
}

/// The checks of one repository, one after another: each needs those before it.
class Examination {
public:
    Examination(const RepositoryChoice& choice, CommandContext& context)
        : choice_(choice), context_(context) {}

    std::vector<Examined> result() {
        try {
            if (is_still_to_be_made()) {
                return std::move(lines_);
            }
            const std::unique_ptr<Repository> repository = opened();
            try_writing(*repository);
        } catch (const Error&) {
            lines_.push_back(examined_error("repository", name(), doing_));
        }
        return std::move(lines_);
    }

private:
    [[nodiscard]] std::string name() const { return choice_.name.value_or(choice_.url); }

    void add(Check check) { lines_.push_back({"repository", name(), std::move(check)}); }

    bool is_still_to_be_made() {
        if (!choice_.is_default || repository_exists(choice_, context_)) {
            return false;
        }
        refuse_lost_default(choice_, context_);
        check_writable(existing_parent(choice_.url));
        add({doing_, Verdict::ok, "there is none yet; the first backup makes it"});
        return true;
    }

    std::unique_ptr<Repository> opened() {
        if (repository_exists(choice_, context_)) {
            add({doing_, Verdict::ok, "there is a repository"});
            doing_ = "key";
        }
        std::unique_ptr<Repository> repository = open_repository(choice_, context_);
        add({doing_, Verdict::ok,
             repository->is_encrypted() ? "opened; it is encrypted"
                                        : "opened; it is not encrypted"});
        return repository;
    }

    void try_writing(Repository& repository) {
        doing_ = "writing";
        repository.check_writable();
        const std::chrono::sys_seconds before = now(context_);
        const WriteTrial trial = try_write(repository.storage(), context_.stop);
        add({doing_, Verdict::ok,
             trial.is_removed ? "an object was written and removed"
                              : "an object was written; it may not be removed, so `prune` needs "
                                "other credentials, or has to wait for a lock"});
        if (trial.stored_at) {
            add(clock_check(before, now(context_), *trial.stored_at));
        }
    }

    const RepositoryChoice& choice_;
    CommandContext& context_;
    std::vector<Examined> lines_;
    std::string doing_ = "place";
};

}  // namespace

Check clock_check(std::chrono::sys_seconds before, std::chrono::sys_seconds after,
                  std::chrono::sys_seconds stored_at) {
    const std::chrono::seconds skew = stored_at < before  ? before - stored_at
                                      : stored_at > after ? stored_at - after
                                                          : std::chrono::seconds(0);
    if (skew <= kSkewMax) {
        return {"clock", Verdict::ok, "the store's clock agrees with this machine's"};
    }
    return {"clock", Verdict::warning,
            fmt::format("this machine's clock is {} {} the store's", format_duration(skew),
                        stored_at < before ? "ahead of" : "behind"),
            "Set the clocks by NTP: snapshots carry this machine's time, which retention by days "
            "goes by, and stores refuse requests whose time is too far off."};
}

std::vector<Examined> examine_repository(const RepositoryChoice& choice, CommandContext& context) {
    return Examination(choice, context).result();
}

}  // namespace dbbackup
