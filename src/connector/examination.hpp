#pragma once

/// @file
/// What `doctor` tells about a source: all that a backup needs, and what would make it better.

#include "connector/connector.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// How well one thing stands.
enum class Verdict : std::uint8_t { ok, warning, problem };

/// One thing that was looked at.
struct Check {
    std::string name;  ///< "server", "client programs" ...
    Verdict verdict = Verdict::ok;
    std::string text;         ///< What was found, for people. Never a secret.
    std::string remedy = {};  ///< What to do about it; "" where there is nothing to do.
};

/// The capability without which there is no backup.
inline constexpr std::string_view kFullBackup = "full backup";

/// As a check: a backup that can't be is a problem, what would help is worth a warning.
[[nodiscard]] Check check_of(const Capability& capability);

/// A connector that can tell more than its probe does.
class Examiner {
public:
    Examiner(const Examiner&) = delete;
    Examiner& operator=(const Examiner&) = delete;
    virtual ~Examiner() = default;

    /// Reads no data. @throws as `Connector::probe`, where nothing can be looked at.
    virtual std::vector<Check> examine(std::stop_token stop) = 0;

protected:
    Examiner() = default;
};

/// By what the connector tells, else by what its probe finds. @throws as `Connector::probe`.
[[nodiscard]] std::vector<Check> examine(Connector& connector, std::stop_token stop);

[[nodiscard]] std::string_view verdict_name(Verdict verdict) noexcept;

}  // namespace dbbackup
