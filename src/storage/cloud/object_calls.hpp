#pragma once

/// @file
/// What reading and listing objects by HTTP has in common, whatever the store. Pure.

#include "base/bytes.hpp"
#include "http/http_client.hpp"
#include "storage/storage.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// Of the store itself. @param ca_file As the URL gives it; empty: the system's authorities.
[[nodiscard]] HttpOptions store_options(const std::string& ca_file);

/// "bytes=FIRST-LAST". @pre The range is not empty. Source: RFC 9110, section 14.1.2.
[[nodiscard]] std::string range_value(ByteRange range);

/// What was asked for, taken out of the answer: nothing of an object that ends before the range.
/// Without a value when the answer is none of these.
[[nodiscard]] std::optional<Bytes> taken_content(HttpResponse& response);

/// What the keys of the objects below `prefix` begin with.
/// @param place_prefix Of the repository: empty or ending in '/'.
[[nodiscard]] std::string listed_prefix(const std::string& place_prefix,
                                        const ObjectPrefix& prefix);

/// The object that a key names; nothing for what is not ours. @param place_prefix As above.
[[nodiscard]] std::optional<ObjectName> name_of_key(std::string_view key,
                                                    std::string_view place_prefix);

}  // namespace dbbackup
