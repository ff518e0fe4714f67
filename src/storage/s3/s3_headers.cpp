#include "storage/s3/s3_headers.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace dbbackup {

std::string_view s3_word_of(LockMode mode) noexcept {
    return mode == LockMode::compliance ? "COMPLIANCE" : "GOVERNANCE";
}

HttpHeaders s3_put_headers(const S3Place& place, const ObjectRules& rules, const ObjectName& name,
                           std::chrono::sys_seconds now) {
    HttpHeaders headers;
    if (place.lock && rules.lasts(name)) {
        headers.emplace_back("x-amz-object-lock-mode", s3_word_of(place.lock->mode));
        headers.emplace_back("x-amz-object-lock-retain-until-date",
                             fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", now + place.lock->days));
    }
    if (!place.encryption.empty()) {
        headers.emplace_back("x-amz-server-side-encryption", place.encryption);
    }
    if (!place.kms_key.empty()) {
        headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", place.kms_key);
    }
    if (!place.storage_class.empty() && rules.is_large(name)) {
        headers.emplace_back("x-amz-storage-class", place.storage_class);
    }
    return headers;
}

}  // namespace dbbackup
