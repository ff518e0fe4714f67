#pragma once

/// @file
/// What a repository's settings add to the requests that store its objects. Pure.
///
/// Source: Amazon S3 API reference, "PutObject".

#include "config/object_lock.hpp"
#include "http/http_message.hpp"
#include "storage/object_rules.hpp"
#include "storage/s3/s3_place.hpp"

#include <chrono>
#include <string_view>

namespace dbbackup {

/// "GOVERNANCE".
[[nodiscard]] std::string_view s3_word_of(LockMode mode) noexcept;

/// Lock, encryption and class of the object. @param now Locks count from then on.
[[nodiscard]] HttpHeaders s3_put_headers(const S3Place& place, const ObjectRules& rules,
                                         const ObjectName& name, std::chrono::sys_seconds now);

}  // namespace dbbackup
