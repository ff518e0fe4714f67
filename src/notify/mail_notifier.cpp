#include "notify/mail_notifier.hpp"

#include "notify/mail_text.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dbbackup {

void MailNotifier::send(const Notice& notice, std::stop_token stop) {
    if (notice.is_start) {
        return;
    }
    std::vector<std::string> receivers;
    std::transform(to_.begin(), to_.end(), std::back_inserter(receivers), address_of);
    send_mail(server_, address_of(from_), receivers, mail_message(notice, from_, to_),
              std::move(stop));
}

}  // namespace dbbackup
