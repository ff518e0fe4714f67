#pragma once

/// @file
/// What the tests of every cloud store need: an environment that they write, a store that persists,
/// and what a store says when it refuses.

#include "base/error.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/retrying_storage.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace dbbackup {

using TestVariables = std::map<std::string, std::string>;

/// @param variables Outlives it.
inline ReadVariable reader_of(const TestVariables& variables) {
    return [&variables](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

/// As the program wraps it.
inline std::unique_ptr<Storage> persistent(std::unique_ptr<Storage> storage) {
    return std::make_unique<RetryingStorage>(std::move(storage), RetryPolicy{},
                                             RetryEnvironment::system());
}

/// Code and hint of the error that a put gives; it is one that no second try helps.
inline std::pair<std::string, std::string> refusal_of_put(Storage& storage) {
    try {
        storage.put(ObjectName("a"), as_bytes("a"), {});
    } catch (const Error& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::storage) << error.what();
        EXPECT_EQ(error.retry(), Retry::never) << error.what();
        return {error.code(), error.hint()};
    }
    return {"none", ""};
}

}  // namespace dbbackup
