#pragma once

/// @file
/// What a store says when it refuses, as an error that tells the user what to do. Pure.

#include "base/error.hpp"
#include "http/http_message.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace dbbackup {

/// The code and message of an error document; both empty where there is none.
struct Refusal {
    int status = 0;
    std::string code;
    std::string message;
};

/// What one of the store's codes means for the user.
struct RefusalMeaning {
    std::string_view code;
    std::string_view name;  ///< For scripts; empty: the class's own.
    std::string_view hint;  ///< May name places as {bucket} and {permission}.
    Retry retry = Retry::never;
};

/// Where something was refused, and what stands for the places of hints.
struct RefusalContext {
    std::string doing;                          ///< Such as "store packs/ab".
    std::string url;                            ///< Of the repository, as a person would type it.
    std::map<std::string, std::string> places;  ///< "bucket" for {bucket}.
};

/// Retry::may_help for statuses that pass (`is_passing`) and codes whose meaning says so, with what
/// the answer says of when.
[[nodiscard]] StorageError refusal_error(const HttpResponse& response, const Refusal& refusal,
                                         std::span<const RefusalMeaning> meanings,
                                         const RefusalContext& context);

}  // namespace dbbackup
