#include "storage/s3/s3_listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace dbbackup {

pugi::xml_document s3_page(const HttpResponse& response, const char* root,
                           const std::string& doing) {
    pugi::xml_document document;
    // Half a listing has its root, too, and would be taken for all that there is.
    const bool is_whole = document.load_buffer(response.body.data(), response.body.size());
    if (!is_whole || document.child(root).empty()) {
        throw StorageError(fmt::format("cannot {}: the answer is no such listing", doing),
                           Retry::may_help);
    }
    return document;
}

bool turn_s3_page(S3Call& call, std::size_t fixed, const pugi::xml_node& page,
                  std::span<const S3PageMark> marks, const std::string& doing) {
    if (!page.child("IsTruncated").text().as_bool()) {
        return false;
    }
    std::vector<std::pair<std::string, std::string>> query(
        call.query.begin(), call.query.begin() + static_cast<std::ptrdiff_t>(fixed));
    for (const auto& [parameter, element] : marks) {
        query.emplace_back(parameter, page.child(element).text().as_string());
    }
    // Without a mark the first page would come again.
    if (query == call.query || query.at(fixed).second.empty()) {
        throw StorageError(
            fmt::format("cannot {}: the store says that there is more, and not where", doing),
            Retry::may_help);
    }
    call.query = std::move(query);
    return true;
}

}  // namespace dbbackup
