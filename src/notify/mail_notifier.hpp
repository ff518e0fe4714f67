#pragma once

/// @file
/// Mails over SMTP.

#include "notify/notifier.hpp"
#include "notify/smtp_client.hpp"

#include <string>
#include <vector>

namespace dbbackup {

class MailNotifier final : public Notifier {
public:
    MailNotifier(MailServer server, std::string from, std::vector<std::string> to)
        : server_(std::move(server)), from_(std::move(from)), to_(std::move(to)) {}
    void send(const Notice& notice, std::stop_token stop) override;

private:
    MailServer server_;
    std::string from_;
    std::vector<std::string> to_;
};

}  // namespace dbbackup
