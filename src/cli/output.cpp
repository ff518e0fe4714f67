#include "cli/output.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <system_error>

namespace dbbackup {

Output::Output(OutputFormat format, int descriptor) : format_(format), descriptor_(descriptor) {}

void Output::text(std::string_view text) { write(text); }

void Output::document(const nlohmann::ordered_json& document) {
    assert(!has_document_);
    has_document_ = true;
    // Paths and names need not be UTF-8; JSON must be.
    write(document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void Output::write(std::string_view text) {
    while (!text.empty() && !is_reader_gone_) {
        const ssize_t count = ::write(descriptor_, text.data(), text.size());
        if (count >= 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EPIPE) {
            is_reader_gone_ = true;
        } else if (errno == EAGAIN) {
            // Somebody who shares our terminal or pipe made it non-blocking.
            pollfd writable{descriptor_, POLLOUT, 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            throw explained<Error>(fmt::format("cannot write to standard output: {}",
                                               std::generic_category().message(errno)),
                                   "The work itself was done; only what it had to say is lost.",
                                   "output_failed");
        }
    }
}

}  // namespace dbbackup
