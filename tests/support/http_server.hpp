#pragma once

/// @file
/// An HTTP server on the loopback whose answers a test decides, down to the bytes.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dbbackup {

/// A request as it came.
struct SeenRequest {
    std::string method;
    std::string target;                          ///< Path and query.
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
    std::size_t connection = 0;  ///< The first one is 0.
};

/// What goes back.
struct HttpAnswer {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    std::size_t missing_bytes = 0;  ///< So much less than announced is sent; then the end.
    bool hangs_up = false;          ///< The connection ends without an answer.
    bool ends_in_head = false;      ///< The connection ends after the line with the status.
    bool stalls = false;            ///< Nothing comes until the server goes.
};

/// Takes any number of connections at once; each request is answered by `answer`, on one thread
/// after another. Ends with this object.
class HttpServer {
public:
    using Answer = std::function<HttpAnswer(const SeenRequest&)>;
    explicit HttpServer(Answer answer);
    /// One that always gives the same answer, until it is told another.
    explicit HttpServer(HttpAnswer answer);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// "http://127.0.0.1:PORT".
    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::vector<SeenRequest> seen() const;
    /// From now on every request is answered so.
    void answer_with(HttpAnswer answer);

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace dbbackup
