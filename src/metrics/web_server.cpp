#include "metrics/web_server.hpp"

#include "base/error.hpp"
#include "sys/file.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

constexpr unsigned kConnectionsMax = 64;
constexpr unsigned kConnectionsOfOneMax = 16;
constexpr unsigned kSilenceMaxSeconds = 10;
constexpr std::size_t kConnectionBytesMax = 16 << 10;
constexpr unsigned kBadMethod = 405;
constexpr unsigned kServerError = 500;

std::string text_of(const ListenAddress& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address.host, is_v6 ? "]" : "", address.port);
}

[[noreturn]] void throw_cannot_listen(const ListenAddress& address, int error) {
    throw explained<ConfigError>(
        fmt::format("cannot listen on {}: {}", text_of(address),
                    std::generic_category().message(error)),
        error == EADDRINUSE
            ? "Another program, or another scheduler, listens there: choose another "
              "port for web.listen."
            : "Choose another address for web.listen.",
        "listen_failed");
}

/// An address as the system calls want it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t bytes = 0;

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socket_address(const ListenAddress& address) {
    SocketAddress result;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&result.storage, &v4, sizeof v4);
        result.bytes = sizeof v4;
    } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&result.storage, &v6, sizeof v6);
        result.bytes = sizeof v6;
    } else {
        throw_cannot_listen(address, EADDRNOTAVAIL);
    }
    return result;
}

/// A socket of ours rather than of the library: it says why it cannot be had, and a port that
/// another process has is not shared with it.
File listening_socket(ListenAddress& address) {
    SocketAddress place = socket_address(address);
    const int descriptor =
        ::socket(place.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        throw_cannot_listen(address, errno);
    }
    File listener = File::adopt(descriptor, text_of(address));
    const int yes = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (place.storage.ss_family == AF_INET6) {
        ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    }
    if (::bind(descriptor, place.get(), place.bytes) != 0 ||
        ::listen(descriptor, static_cast<int>(kConnectionsMax)) != 0 ||
        ::getsockname(descriptor, place.get(), &place.bytes) != 0) {
        throw_cannot_listen(address, errno);
    }
    const bool is_v6 = place.storage.ss_family == AF_INET6;
    address.port = ntohs(is_v6 ? reinterpret_cast<sockaddr_in6*>(&place.storage)->sin6_port
                               : reinterpret_cast<sockaddr_in*>(&place.storage)->sin_port);
    return listener;
}

WebAnswer answer_to(const WebServer& server, std::string_view path) noexcept {
    try {
        return server.answer()(path);
    } catch (const std::exception&) {
        return {.status = kServerError, .body = {}};
    }
}

struct DestroyResponse {
    void operator()(MHD_Response* response) const noexcept { MHD_destroy_response(response); }
};

MHD_Result give(MHD_Connection* connection, WebAnswer answer) {
    const std::unique_ptr<MHD_Response, DestroyResponse> response(MHD_create_response_from_buffer(
        answer.body.size(), answer.body.data(), MHD_RESPMEM_MUST_COPY));
    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, answer.type.c_str());
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (answer.status == kBadMethod) {
        MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    return MHD_queue_response(connection, answer.status, response.get());
}

/// Called by the library. What a request carries is not waited for: a request that has a body is
/// answered, and its connection closed.
MHD_Result on_request(void* opaque, MHD_Connection* connection, const char* path,
                      const char* method, const char* /*version*/, const char* /*body*/,
                      std::size_t* /*body_bytes*/, void** /*state*/) {
    const std::string_view verb = method;
    if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD) {
        return give(connection, {.status = kBadMethod, .body = "only GET and HEAD\n"});
    }
    return give(connection, answer_to(*static_cast<const WebServer*>(opaque), path));
}

}  // namespace

void WebServer::Stop::operator()(MHD_Daemon* daemon) const noexcept { MHD_stop_daemon(daemon); }

WebServer::WebServer(const ListenAddress& address, AnswerPath answer) : answer_(std::move(answer)) {
    ListenAddress listens = address;
    const File listener = listening_socket(listens);
    url_ = "http://" + text_of(listens);
    // The library closes its socket when it ends, so it has one of its own.
    const int its = ::fcntl(listener.descriptor(), F_DUPFD_CLOEXEC, 0);
    unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD;
    if (listens.host.find(':') != std::string::npos) {
        flags |= MHD_USE_IPv6;
    }
    daemon_.reset(its < 0 ? nullptr
                          : MHD_start_daemon(flags, 0, nullptr, nullptr, &on_request, this,
                                             MHD_OPTION_LISTEN_SOCKET, its,                 //
                                             MHD_OPTION_CONNECTION_LIMIT, kConnectionsMax,  //
                                             MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                             kConnectionsOfOneMax,  //
                                             MHD_OPTION_CONNECTION_TIMEOUT, kSilenceMaxSeconds,
                                             MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                             kConnectionBytesMax,                   //
                                             MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,  //
                                             MHD_OPTION_END));
    if (!daemon_) {
        throw_cannot_listen(listens, errno);
    }
}

WebServer::~WebServer() = default;

}  // namespace dbbackup
