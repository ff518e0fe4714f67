#pragma once

/// @file
/// How stores are to keep objects from being removed before a date.

#include "config/enums.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// Who may take a lock away before its end: whoever has a permission for that, or nobody.
enum class LockMode : std::uint8_t { governance, compliance };
template <>
struct EnumWords<LockMode> {
    static constexpr std::array<std::string_view, 2> words = {"governance", "compliance"};
};

/// What stores accept (S3: 100 years).
inline constexpr unsigned kLockDaysMax = 36'500;

/// What lasts in a repository is locked when it is stored, and for as long as it is needed.
struct ObjectLock {
    LockMode mode = LockMode::governance;
    std::chrono::days days{0};  ///< How long from being stored on; 1 to `kLockDaysMax`.

    /// "governance:30". Nothing when `text` is not of that form.
    static std::optional<ObjectLock> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    friend bool operator==(const ObjectLock&, const ObjectLock&) = default;
};

}  // namespace dbbackup
