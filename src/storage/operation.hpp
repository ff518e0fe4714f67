#pragma once

/// @file
/// The calls of `Storage` as values, for decorators that count, fail or describe them; and the
/// check that every call begins with.

#include "base/error.hpp"

#include <cstdint>
#include <stop_token>
#include <string_view>

namespace dbbackup {

/// `write` and `commit` are those of an `Upload`.
enum class StorageOperation : std::uint8_t {
    put,
    get,
    get_range,
    size_bytes,
    list,
    remove,
    begin_upload,
    write,
    commit,
    end_abandoned_uploads,
};

/// The name of the function, such as "get_range".
[[nodiscard]] std::string_view operation_name(StorageOperation operation) noexcept;

/// Whether the call changes what the store holds.
[[nodiscard]] bool is_write(StorageOperation operation) noexcept;

/// @throws Cancelled when `stop` has fired.
inline void throw_if_stopped(const std::stop_token& stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
}

}  // namespace dbbackup
