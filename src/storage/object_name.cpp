#include "storage/object_name.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kSegmentsMax = 8;
constexpr std::size_t kSegmentLengthMax = 100;
/// Enough of a wrong name to recognise it; it may be anything, and of any length.
constexpr std::size_t kShownMax = 60;

bool is_name_character(char character) noexcept {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
           character == '.' || character == '_' || character == '-';
}

bool is_segment(std::string_view segment) noexcept {
    return !segment.empty() && segment.size() <= kSegmentLengthMax && segment.front() != '.' &&
           std::all_of(segment.begin(), segment.end(), is_name_character);
}

/// The text with everything that is no printable ASCII replaced, and not too long for a message.
std::string shown(std::string_view text) {
    std::string result(text.substr(0, kShownMax));
    std::replace_if(result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > kShownMax ? result + "..." : result;
}

}  // namespace

ObjectName::ObjectName(std::string text) : text_(std::move(text)) {
    if (!is_valid(text_)) {
        throw StorageError(fmt::format("'{}' is not an object name", shown(text_)));
    }
}

std::string_view ObjectName::leaf() const noexcept {
    const std::string_view text = text_;
    const std::size_t slash = text.rfind('/');
    return slash == std::string_view::npos ? text : text.substr(slash + 1);
}

bool ObjectName::is_valid(std::string_view text) noexcept {
    for (std::size_t segments = 1; segments <= kSegmentsMax; ++segments) {
        const std::size_t slash = text.find('/');
        if (!is_segment(text.substr(0, slash))) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(slash + 1);
    }
    return false;
}

ObjectPrefix::ObjectPrefix(std::string text) : text_(std::move(text)) {
    if (!text_.empty() && !ObjectName::is_valid(text_)) {
        throw StorageError(fmt::format("'{}' is not a prefix of object names", shown(text_)));
    }
}

bool ObjectPrefix::covers(const ObjectName& name) const noexcept {
    if (text_.empty()) {
        return true;
    }
    const std::string_view other = name.text();
    return other.size() > text_.size() && other.starts_with(text_) && other[text_.size()] == '/';
}

}  // namespace dbbackup
