#include "storage/cloud/refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

std::string filled(std::string_view text, const std::map<std::string, std::string>& places) {
    std::string result(text);
    for (const auto& [name, value] : places) {
        const std::string place = "{" + name + "}";
        for (std::size_t at = result.find(place); at != std::string::npos;
             at = result.find(place, at + value.size())) {
            result.replace(at, place.size(), value);
        }
    }
    return result;
}

}  // namespace

StorageError refusal_error(const HttpResponse& response, const Refusal& refusal,
                           std::span<const RefusalMeaning> meanings,
                           const RefusalContext& context) {
    const auto meaning = std::ranges::find(meanings, refusal.code, &RefusalMeaning::code);
    const bool is_known = meaning != meanings.end();
    const bool may_help =
        is_passing(response.status) || (is_known && meaning->retry == Retry::may_help);
    std::string said = fmt::format("{} {}", response.status, refusal.code);
    if (!refusal.message.empty()) {
        said += ": " + refusal.message;
    }
    StorageError error(
        fmt::format("cannot {} in {}: the store answers {}", context.doing, context.url, said),
        may_help ? Retry::may_help : Retry::never);
    error.set_retry_after(retry_after(response));
    if (is_known && !meaning->name.empty()) {
        error.set_hint(filled(meaning->hint, context.places));
        error.set_code(std::string(meaning->name));
    }
    return error;
}

}  // namespace dbbackup
