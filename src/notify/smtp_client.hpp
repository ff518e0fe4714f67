#pragma once

/// @file
/// Sends one mail to a mail server.

#include "config/notification_config.hpp"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

struct MailServer {
    std::string host;  ///< With a port or without.
    MailSecurity security = MailSecurity::starttls;
    std::string user;  ///< "": nobody logs in.
    std::string password;
    std::filesystem::path ca_file;  ///< Of authorities that are trusted; empty: the system's.
};

/// @param from, to Addresses alone. @param message With headers, lines ended by CRLF.
/// @throws Error with Retry::may_help for what passes: no connection, and the answers 4xx of SMTP;
/// its message has the server's own words, and no password. Cancelled.
///
/// Source: RFC 5321, section 4.2.1; libcurl's manual, CURLOPT_MAIL_RCPT(3).
void send_mail(const MailServer& server, const std::string& from,
               const std::vector<std::string>& to, const std::string& message,
               std::stop_token stop);

}  // namespace dbbackup
