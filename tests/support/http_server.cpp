#include "support/http_server.hpp"

#include "base/guarded.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <mutex>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>

namespace dbbackup {
namespace {

constexpr int kPollMs = 20;

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char character) {
        return static_cast<char>(std::tolower(character));
    });
    return text;
}

/// One connection: what came and was not read yet.
class Connection {
public:
    Connection(int socket, std::stop_token stop) : socket_(socket), stop_(std::move(stop)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { ::close(socket_); }

    std::optional<SeenRequest> next() {
        std::size_t end = std::string::npos;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!receive()) {
                return std::nullopt;
            }
        }
        SeenRequest request = parsed(buffer_.substr(0, end));
        buffer_.erase(0, end + 4);
        const auto length = request.headers.find("content-length");
        const std::size_t bytes = length == request.headers.end() ? 0 : std::stoull(length->second);
        while (buffer_.size() < bytes) {
            if (!receive()) {
                return std::nullopt;
            }
        }
        request.body = buffer_.substr(0, bytes);
        buffer_.erase(0, bytes);
        return request;
    }

    /// False: the connection is over.
    bool send(const HttpAnswer& answer, bool has_body) {
        if (answer.stalls) {
            while (!stop_.stop_requested() && !is_closed()) {
            }
        }
        if (answer.stalls || answer.hangs_up) {
            return false;
        }
        std::string text = fmt::format("HTTP/1.1 {} Answer\r\n", answer.status);
        if (answer.ends_in_head) {
            send_all(text);
            return false;
        }
        for (const auto& [name, value] : answer.headers) {
            text += fmt::format("{}: {}\r\n", name, value);
        }
        if (has_body) {
            text += fmt::format("Content-Length: {}\r\n", answer.body.size());
        }
        text += "\r\n";
        if (has_body) {
            text += answer.body.substr(0, answer.body.size() - answer.missing_bytes);
        }
        return send_all(text) && answer.missing_bytes == 0;
    }

private:
    bool send_all(const std::string& text) {
        std::size_t sent = 0;
        while (sent < text.size()) {
            const ssize_t bytes =
                ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (bytes <= 0) {
                return false;
            }
            sent += static_cast<std::size_t>(bytes);
        }
        return true;
    }

    bool wait() {
        while (!stop_.stop_requested()) {
            pollfd wanted{socket_, POLLIN, 0};
            if (::poll(&wanted, 1, kPollMs) > 0) {
                return true;
            }
        }
        return false;
    }

    bool is_closed() {
        char byte = 0;
        pollfd wanted{socket_, POLLIN, 0};
        return ::poll(&wanted, 1, kPollMs) > 0 && ::recv(socket_, &byte, 1, MSG_PEEK) <= 0;
    }

    bool receive() {
        std::array<char, 65536> part{};
        if (!wait()) {
            return false;
        }
        const ssize_t bytes = ::recv(socket_, part.data(), part.size(), 0);
        if (bytes <= 0) {
            return false;
        }
        buffer_.append(part.data(), static_cast<std::size_t>(bytes));
        return true;
    }

    static SeenRequest parsed(const std::string& head) {
        SeenRequest request;
        const std::size_t line_end = std::min(head.find("\r\n"), head.size());
        const std::string line = head.substr(0, line_end);
        const std::size_t first = line.find(' ');
        const std::size_t second = line.rfind(' ');
        request.method = line.substr(0, first);
        request.target = line.substr(first + 1, second - first - 1);
        std::size_t at = line_end;
        while (at < head.size()) {
            at += 2;
            const std::size_t end = std::min(head.find("\r\n", at), head.size());
            const std::string header = head.substr(at, end - at);
            const std::size_t colon = header.find(':');
            std::string value = header.substr(colon + 1);
            value.erase(0, value.find_first_not_of(' '));
            request.headers[lower_case(header.substr(0, colon))] = value;
            at = end;
        }
        return request;
    }

    int socket_;
    std::stop_token stop_;
    std::string buffer_;
};

}  // namespace

class HttpServer::Loop {
public:
    explicit Loop(Answer answer) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        constexpr int kBacklog = 64;
        if (listener_ < 0 || ::bind(listener_, generic, length) != 0 ||
            ::listen(listener_, kBacklog) != 0 || ::getsockname(listener_, generic, &length) != 0) {
            throw std::system_error(errno, std::generic_category(), "no test server");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() {
        thread_.request_stop();
        thread_.join();
        ::close(listener_);
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::vector<SeenRequest> seen() const {
        return seen_.with([](const std::vector<SeenRequest>& all) { return all; });
    }
    void replace(Answer answer) {
        const std::lock_guard lock(answering_);
        answer_ = std::move(answer);
    }

private:
    void accept_all(const std::stop_token& stop) {
        std::vector<std::jthread> connections;
        while (!stop.stop_requested()) {
            pollfd wanted{listener_, POLLIN, 0};
            if (::poll(&wanted, 1, kPollMs) <= 0) {
                continue;
            }
            const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket >= 0) {
                connections.emplace_back(
                    [this, socket, number = connections.size()](const std::stop_token& ended) {
                        serve(socket, number, ended);
                    });
            }
        }
    }

    void serve(int socket, std::size_t number, const std::stop_token& stop) {
        Connection connection(socket, stop);
        while (std::optional<SeenRequest> request = connection.next()) {
            request->connection = number;
            seen_.with([&](std::vector<SeenRequest>& all) { all.push_back(*request); });
            HttpAnswer answer;
            {
                const std::lock_guard lock(answering_);
                answer = answer_(*request);
            }
            if (!connection.send(answer, request->method != "HEAD")) {
                return;
            }
        }
    }

    Answer answer_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::mutex answering_;
    Guarded<std::vector<SeenRequest>> seen_;
    std::jthread thread_;
};

HttpServer::HttpServer(Answer answer) : loop_(std::make_unique<Loop>(std::move(answer))) {}
HttpServer::HttpServer(HttpAnswer answer)
    : HttpServer([answer = std::move(answer)](const SeenRequest&) { return answer; }) {}
HttpServer::~HttpServer() = default;

std::string HttpServer::url() const { return fmt::format("http://127.0.0.1:{}", loop_->port()); }
std::vector<SeenRequest> HttpServer::seen() const { return loop_->seen(); }
void HttpServer::answer_with(HttpAnswer answer) {
    loop_->replace([answer = std::move(answer)](const SeenRequest&) { return answer; });
}

}  // namespace dbbackup
