#pragma once

/// @file
/// Every error the program throws, on one page.
///
/// The class says who has to act, the message says what happened, the context says what we
/// were doing, and the hint says what to try next. `main` maps the class to the exit status.

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

/// Exit status of `db-backup`. Scripts depend on these numbers: add, never renumber or reuse.
enum class ExitCode : int {
    success = 0,
    failure = 1,     ///< A bug, or an error nobody classified: please report it.
    usage = 2,       ///< The command line or the configuration is wrong.
    incomplete = 3,  ///< A snapshot was written, but part of the source could not be read.
    repository_missing = 10,
    wrong_key = 12,
    corruption = 13,  ///< Stored bytes failed authentication or decoding.
    repository = 14,  ///< Any other repository trouble, such as an unknown format version.
    source = 20,      ///< The database refused, vanished, or lost its change log.
    storage = 30,     ///< The object store refused or stayed unreachable.
    cancelled = 130,  ///< SIGINT or SIGTERM, after a clean stop.
};

/// Whether making the same call again may succeed. Only `RetryingStorage` acts on it.
enum class Retry : bool { never, may_help };

/// Root of the hierarchy. Catch it by reference, `add_context()`, and rethrow with `throw;`.
class Error : public std::exception {
public:
    explicit Error(std::string message, Retry retry = Retry::never);

    /// Records one level of what was being attempted; the innermost level is added first.
    void add_context(std::string attempting);
    /// One sentence for the operator, ending in a full stop. Never contains a secret.
    void set_hint(std::string hint);
    /// No sooner than so much later is a second try welcome: a store said so.
    void set_retry_after(std::chrono::seconds wait) noexcept { retry_after_ = wait; }
    /// A stable name for scripts, such as "target_not_empty"; without one, the exit code's name.
    void set_code(std::string code);

    [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
    [[nodiscard]] const std::vector<std::string>& context() const noexcept { return context_; }
    [[nodiscard]] const std::string& hint() const noexcept { return hint_; }
    [[nodiscard]] std::string code() const;
    [[nodiscard]] Retry retry() const noexcept { return retry_; }
    [[nodiscard]] std::chrono::seconds retry_after() const noexcept { return retry_after_; }
    [[nodiscard]] virtual ExitCode exit_code() const noexcept { return ExitCode::failure; }

private:
    std::string message_;
    std::string hint_;
    std::string code_;
    std::vector<std::string> context_;
    Retry retry_;
    std::chrono::seconds retry_after_{0};
};

/// One class per exit code, so that two errors share a class only if the operator does the
/// same thing about both.
template <ExitCode code, class Parent = Error>
class ErrorOf : public Parent {
public:
    using Parent::Parent;
    [[nodiscard]] ExitCode exit_code() const noexcept override { return code; }
};

using ConfigError = ErrorOf<ExitCode::usage>;
using SourceError = ErrorOf<ExitCode::source>;
using StorageError = ErrorOf<ExitCode::storage>;
using RepositoryError = ErrorOf<ExitCode::repository>;
using RepositoryMissingError = ErrorOf<ExitCode::repository_missing, RepositoryError>;
using WrongKeyError = ErrorOf<ExitCode::wrong_key, RepositoryError>;
using CorruptionError = ErrorOf<ExitCode::corruption, RepositoryError>;

/// "usage", "wrong_key" ...: the stable name of an exit code in JSON output.
[[nodiscard]] std::string_view exit_code_name(ExitCode code) noexcept;

/// Builds an error with the sentence for the operator and the stable name for scripts at once:
/// `throw explained<ConfigError>("…", "Do this.", "target_not_empty")`.
template <class E>
[[nodiscard]] E explained(std::string message, std::string hint, std::string code = {}) {
    E error(std::move(message));
    error.set_hint(std::move(hint));
    error.set_code(std::move(code));
    return error;
}

/// The stop token fired. Not an `Error`, so that `catch (Error&)` cannot swallow Ctrl-C.
class Cancelled final : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "cancelled"; }
};

}  // namespace dbbackup
