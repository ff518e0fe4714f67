#include "http/http_client.hpp"

#include "base/guarded.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

struct EndEasy {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, EndEasy>;

struct EndList {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, EndList>;

/// @throws Error: only without memory.
void start_curl_once() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
            throw Error("libcurl cannot be started");
        }
    });
}

/// What a server announces is believed so far: more memory than this is only taken for what came.
constexpr std::size_t kReservedBytesMax = std::size_t{16} << 20U;

/// What libcurl calls back with while one request runs.
struct Exchange {
    HttpResponse response;
    BytesView unsent;
    BytesView body;
    std::size_t body_bytes_max = 0;
    CURL* handle = nullptr;  ///< Borrowed.
    bool is_too_long = false;
    bool is_head_whole = false;
    bool is_sent_once = false;  ///< As puts and posts are.
    bool was_sent = false;
    bool would_be_sent_again = false;
    std::stop_token stop;
};

Exchange& exchange_of(void* opaque) { return *static_cast<Exchange*>(opaque); }

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* opaque) {
    Exchange& exchange = exchange_of(opaque);
    const std::size_t bytes = size * count;
    Bytes& body = exchange.response.body;
    if (body.size() + bytes > exchange.body_bytes_max) {
        exchange.is_too_long = true;
        return 0;
    }
    if (body.empty()) {
        // Grown by doubling, a body of some MiB would take up to three times that for a while.
        curl_off_t announced = 0;
        curl_easy_getinfo(exchange.handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        body.reserve(std::min(static_cast<std::size_t>(std::max<curl_off_t>(announced, 0)),
                              kReservedBytesMax));
    }
    const BytesView part = as_bytes({data, bytes});
    body.insert(body.end(), part.begin(), part.end());
    return bytes;
}

std::string trimmed(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return std::string(text);
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* opaque) {
    Exchange& exchange = exchange_of(opaque);
    HttpHeaders& headers = exchange.response.headers;
    const std::string_view line(data, size * count);
    const std::size_t colon = line.find(':');
    exchange.is_head_whole = line == "\r\n" || line == "\n";
    if (line.starts_with("HTTP/")) {
        headers.clear();  // Of an interim answer, such as 100.
    } else if (colon != std::string_view::npos) {
        std::string name(line.substr(0, colon));
        std::ranges::transform(name, name.begin(), [](unsigned char character) {
            return static_cast<char>(std::tolower(character));
        });
        headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
    }
    return line.size();
}

std::size_t give_body(char* data, std::size_t size, std::size_t count, void* opaque) {
    Exchange& exchange = exchange_of(opaque);
    const std::size_t bytes = std::min(size * count, exchange.unsent.size());
    std::copy_n(exchange.unsent.begin(), bytes, data);
    exchange.unsent = exchange.unsent.subspan(bytes);
    return bytes;
}

/// libcurl sends a request again by itself when a connection that was used before ends without an
/// answer. What is created only when it is absent would then be found, and taken for another's:
/// only the caller, who knows that it was sent before, may send it again.
int before_sending(void* opaque, char* /*primary_ip*/, char* /*local_ip*/, int /*primary_port*/,
                   int /*local_port*/) {
    Exchange& exchange = exchange_of(opaque);
    exchange.would_be_sent_again = exchange.was_sent && exchange.is_sent_once;
    exchange.was_sent = true;
    return exchange.would_be_sent_again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/// libcurl rewinds before it asks `before_sending`.
int rewind_body(void* opaque, curl_off_t offset, int origin) {
    Exchange& exchange = exchange_of(opaque);
    if (origin != SEEK_SET || offset < 0 ||
        static_cast<std::size_t>(offset) > exchange.body.size()) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    exchange.unsent = exchange.body.subspan(static_cast<std::size_t>(offset));
    return CURL_SEEKFUNC_OK;
}

/// Called about once a second, and more often while something moves.
int is_stopped(void* opaque, curl_off_t /*down_all*/, curl_off_t /*down*/, curl_off_t /*up_all*/,
               curl_off_t /*up*/) {
    return exchange_of(opaque).stop.stop_requested() ? 1 : 0;
}

/// Whether the trouble lies on the way, where it may pass, and not in what was asked for.
Retry retry_for(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_HTTP2:
        case CURLE_PARTIAL_FILE:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_FAIL_REWIND:
        case CURLE_HTTP2_STREAM:
        case CURLE_HTTP3:
        case CURLE_AGAIN: return Retry::may_help;
        default: return Retry::never;
    }
}

/// Scheme, host and port: enough to say who did not answer. Queries may be signed.
std::string server_of(const std::string& url) {
    const std::size_t scheme = url.find("://");
    const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
    return url.substr(0, url.find_first_of("/?", host));
}

HttpError transport_error(CURLcode code, const std::string& url, const char* detail) {
    HttpError error(
        fmt::format("{} does not answer: {}", server_of(url),
                    detail != nullptr && *detail != '\0' ? detail : curl_easy_strerror(code)),
        retry_for(code));
    if (error.retry() == Retry::may_help) {
        error.set_code("server_unreachable");
        error.set_hint("Check the network between this machine and it, and run the command again.");
    }
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            error.set_code("certificate_untrusted");
            error.set_hint(
                "If the server has a certificate of your own authority, give that authority's "
                "certificate with ca_file in the URL or storage.ca_file in the configuration; "
                "verification is never switched off.");
            break;
        case CURLE_COULDNT_RESOLVE_HOST:
            error.set_hint(
                "Check the names in the URL (endpoint, region, account), and that this machine "
                "resolves "
                "names.");
            break;
        case CURLE_COULDNT_CONNECT:
            error.set_hint("Check the endpoint, and that this machine may reach it.");
            break;
        default: break;
    }
    return error;
}

}  // namespace

/// Handles that no request uses; each keeps its connections.
class HttpClient::Pool {
public:
    Easy take() {
        Easy handle = idle_.with([](std::vector<Easy>& idle) {
            Easy taken;
            if (!idle.empty()) {
                taken = std::move(idle.back());
                idle.pop_back();
            }
            return taken;
        });
        if (!handle) {
            handle.reset(curl_easy_init());
        }
        if (!handle) {
            throw Error("libcurl gives no handle: there is not enough memory");
        }
        return handle;
    }
    void give_back(Easy handle) {
        curl_easy_reset(handle.get());  // Keeps connections, sessions and names.
        idle_.with([&](std::vector<Easy>& idle) { idle.push_back(std::move(handle)); });
    }

private:
    Guarded<std::vector<Easy>> idle_;
};

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)), pool_(std::make_unique<Pool>()) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets any.
    if (const char* const text = std::getenv("DB_BACKUP_TEST_STALL_S")) {
        options_.stall_timeout = std::chrono::seconds(std::strtoul(text, nullptr, 10));
    }
    start_curl_once();
}

HttpClient::~HttpClient() = default;

namespace {

void set_request(CURL* handle, const HttpRequest& request, Exchange& exchange) {
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, static_cast<long>(request.time_max.count()));
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // It is signed as it is.
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    exchange.is_sent_once =
        request.method == "PUT" || request.method == "POST" || request.method == "PATCH";
    if (request.method == "HEAD") {
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (exchange.is_sent_once) {
        curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(handle, CURLOPT_READDATA, &exchange);
        curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(handle, CURLOPT_SEEKDATA, &exchange);
    }
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_callbacks(CURL* handle, Exchange& exchange) {
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, before_sending);
    curl_easy_setopt(handle, CURLOPT_PREREQDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, is_stopped);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
}

void set_options(CURL* handle, const HttpOptions& options) {
    constexpr long kBufferBytes = 512L * 1024;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "db-backup");
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT,
                     static_cast<long>(options.connect_timeout.count()));
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(options.stall_timeout.count()));
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kBufferBytes);
    curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    // One connection each, so that a slow answer holds nobody else up.
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    if (!options.ca_file.empty()) {
        curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
    }
}

List header_list(const HttpHeaders& headers) {
    List list;
    const auto append = [&list](const std::string& line) {
        curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
        if (longer == nullptr) {
            throw Error("libcurl takes no header: there is not enough memory");
        }
        if (!list) {  // What is appended to keeps its head.
            list.reset(longer);
        }
    };
    // Nobody waits for permission to send: a refusal is rare, and the wait would be on each put.
    append("Expect:");
    for (const auto& [name, value] : headers) {
        // What follows a break would be a header of its own. Values hold keys: none is repeated.
        if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
            throw HttpError(fmt::format("the header {} would have a line break in it", name));
        }
        append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
    }
    return list;
}

}  // namespace

HttpResponse HttpClient::send(const HttpRequest& request, std::stop_token stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    Exchange exchange;
    exchange.body = exchange.unsent = request.body;
    exchange.body_bytes_max = options_.body_bytes_max;
    exchange.stop = std::move(stop);
    Easy handle = pool_->take();
    exchange.handle = handle.get();
    const List headers = header_list(request.headers);
    std::array<char, CURL_ERROR_SIZE> detail{};
    set_options(handle.get(), options_);
    set_request(handle.get(), request, exchange);
    set_callbacks(handle.get(), exchange);
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
    const CURLcode code = curl_easy_perform(handle.get());
    if (exchange.would_be_sent_again || (code == CURLE_OK && !exchange.is_head_whole)) {
        throw transport_error(CURLE_GOT_NOTHING, request.url, "it ended the connection");
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        throw Cancelled();
    }
    if (exchange.is_too_long) {
        throw HttpError(fmt::format("{} answers with more than {} bytes", server_of(request.url),
                                    options_.body_bytes_max));
    }
    if (code != CURLE_OK) {
        throw transport_error(code, request.url, detail.data());
    }
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<int>(status);
    pool_->give_back(std::move(handle));
    return std::move(exchange.response);
}

}  // namespace dbbackup
