#pragma once

/// @file
/// A notice as a mail: headers, a part of plain text and one of HTML. Pure.
///
/// Source: RFC 5322 (headers), RFC 2047 (encoded words), RFC 2046, section 5.1.4 (alternatives).

#include "notify/notice.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// The whole message, lines ended by CRLF. The same notice gives the same message: its id is the
/// message's, by which receivers know it again.
[[nodiscard]] std::string mail_message(const Notice& notice, std::string_view from,
                                       const std::vector<std::string>& to);

[[nodiscard]] std::string mail_text(const Notice& notice);
[[nodiscard]] std::string mail_html(const Notice& notice);

/// "Backups <db-backup@example.com>" -> "db-backup@example.com"
[[nodiscard]] std::string address_of(std::string_view mailbox);

}  // namespace dbbackup
