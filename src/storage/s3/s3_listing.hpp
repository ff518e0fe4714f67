#pragma once

/// @file
/// Listings of S3, page by page. What answers in the store's place (a proxy's own page, a portal
/// that wants a login) must never look like a bucket with nothing in it: a collector would take
/// everything for garbage.

#include "http/http_message.hpp"
#include "storage/s3/s3_call.hpp"

#include <pugixml.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace dbbackup {

/// What a page says of the next: the parameter that asks for it, and the element that has its
/// value.
using S3PageMark = std::pair<const char*, const char*>;

/// A page of a listing that was answered with status 200. @param root Its element.
/// @throws StorageError when it is something else.
[[nodiscard]] pugi::xml_document s3_page(const HttpResponse& response, const char* root,
                                         const std::string& doing);

/// Makes `call` ask for the page after `page`, if there is one.
/// @param fixed So many parameters of `call` are the same for all pages.
/// @return Whether there is one. @throws StorageError when there is, and it is this one again.
[[nodiscard]] bool turn_s3_page(S3Call& call, std::size_t fixed, const pugi::xml_node& page,
                                std::span<const S3PageMark> marks, const std::string& doing);

}  // namespace dbbackup
