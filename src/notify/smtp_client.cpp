#include "notify/smtp_client.hpp"

#include "base/error.hpp"
#include "base/guarded.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

struct EndEasy {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct EndList {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

constexpr long kConnectSeconds = 15;
constexpr long kAllSeconds = 60;
constexpr int kPermanent = 500;

/// What libcurl calls back with.
struct Sending {
    std::string_view unsent;
    std::string last_answer;  ///< The server's last line.
    std::stop_token stop;
};

Sending& sending_of(void* opaque) { return *static_cast<Sending*>(opaque); }

std::size_t give(char* data, std::size_t size, std::size_t count, void* opaque) {
    Sending& sending = sending_of(opaque);
    const std::size_t bytes = std::min(size * count, sending.unsent.size());
    std::copy_n(sending.unsent.begin(), bytes, data);
    sending.unsent.remove_prefix(bytes);
    return bytes;
}

/// The server's lines come as if they were headers.
std::size_t take_answer(char* data, std::size_t size, std::size_t count, void* opaque) {
    std::string_view line(data, size * count);
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) {
        line.remove_suffix(1);
    }
    if (!line.empty()) {
        sending_of(opaque).last_answer = line;
    }
    return size * count;
}

int is_stopped(void* opaque, curl_off_t /*down_all*/, curl_off_t /*down*/, curl_off_t /*up_all*/,
               curl_off_t /*up*/) {
    return sending_of(opaque).stop.stop_requested() ? 1 : 0;
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
    if (curl_easy_setopt(handle, option, value) != CURLE_OK) {
        throw Error("libcurl lacks an option for mail");
    }
}

void set_server(CURL* handle, const MailServer& server) {
    const bool is_tls = server.security == MailSecurity::tls;
    const bool has_port = server.host.rfind(':') != std::string::npos && server.host.back() != ']';
    set(handle, CURLOPT_URL,
        fmt::format("{}://{}{}", is_tls ? "smtps" : "smtp", server.host,
                    has_port ? "" : (is_tls ? ":465" : ":587"))
            .c_str());
    set(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    // Asked for is not enough: a server that offers no STARTTLS gets no mail.
    set(handle, CURLOPT_USE_SSL,
        static_cast<long>(server.security == MailSecurity::none ? CURLUSESSL_NONE
                                                                : CURLUSESSL_ALL));
    if (!server.ca_file.empty()) {
        set(handle, CURLOPT_CAINFO, server.ca_file.c_str());
    }
    if (!server.user.empty()) {
        set(handle, CURLOPT_USERNAME, server.user.c_str());
        set(handle, CURLOPT_PASSWORD, server.password.c_str());
    }
    set(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(handle, CURLOPT_TIMEOUT, kAllSeconds);
    set(handle, CURLOPT_NOSIGNAL, 1L);
}

[[noreturn]] void refuse(CURLcode code, CURL* handle, const MailServer& server,
                         const Sending& sending, const char* detail) {
    long answer = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer);
    if (code == CURLE_LOGIN_DENIED) {
        throw Error(fmt::format("the mail server {} refuses user and password: {}", server.host,
                                sending.last_answer));
    }
    if (code == CURLE_USE_SSL_FAILED) {
        throw Error(fmt::format("the mail server {} offers no STARTTLS", server.host));
    }
    const bool is_answer = answer >= 400 && !sending.last_answer.empty();
    const bool is_for_ever = (is_answer && answer >= kPermanent) ||
                             code == CURLE_PEER_FAILED_VERIFICATION ||
                             code == CURLE_SSL_CACERT_BADFILE;
    throw Error(fmt::format("the mail server {} {}: {}", server.host,
                            is_answer ? "answered" : "was not reached",
                            is_answer ? sending.last_answer : std::string(detail)),
                is_for_ever ? Retry::never : Retry::may_help);
}

}  // namespace

void send_mail(const MailServer& server, const std::string& from,
               const std::vector<std::string>& to, const std::string& message,
               std::stop_token stop) {
    const std::unique_ptr<CURL, EndEasy> handle(curl_easy_init());
    if (!handle) {
        throw Error("libcurl cannot be started");
    }
    std::array<char, CURL_ERROR_SIZE> detail{};
    Sending sending{.unsent = message, .last_answer = {}, .stop = std::move(stop)};
    std::unique_ptr<curl_slist, EndList> receivers;
    for (const std::string& each : to) {
        receivers.reset(curl_slist_append(receivers.release(), fmt::format("<{}>", each).c_str()));
    }
    set_server(handle.get(), server);
    set(handle.get(), CURLOPT_MAIL_FROM, fmt::format("<{}>", from).c_str());
    set(handle.get(), CURLOPT_MAIL_RCPT, receivers.get());
    set(handle.get(), CURLOPT_UPLOAD, 1L);
    set(handle.get(), CURLOPT_READFUNCTION, &give);
    set(handle.get(), CURLOPT_READDATA, static_cast<void*>(&sending));
    set(handle.get(), CURLOPT_HEADERFUNCTION, &take_answer);
    set(handle.get(), CURLOPT_HEADERDATA, static_cast<void*>(&sending));
    set(handle.get(), CURLOPT_XFERINFOFUNCTION, &is_stopped);
    set(handle.get(), CURLOPT_XFERINFODATA, static_cast<void*>(&sending));
    set(handle.get(), CURLOPT_NOPROGRESS, 0L);
    set(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
    const CURLcode code = curl_easy_perform(handle.get());
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        throw Cancelled();
    }
    if (code != CURLE_OK) {
        refuse(code, handle.get(), server, sending,
               detail[0] != '\0' ? detail.data() : curl_easy_strerror(code));
    }
}

}  // namespace dbbackup
