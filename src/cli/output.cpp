#include "cli/output.hpp"

#include "base/error.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
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

void Output::content(BytesView bytes) {
    try {
        write(as_text(bytes));
    } catch (Error& error) {
        error.set_hint("What was written is no whole archive: make room, and run it again.");
        throw;
    }
    if (is_reader_gone_) {
        throw explained<Error>("whoever read standard output is gone before it was whole",
                               "Look at why the program behind the pipe ended.", "output_failed");
    }
}

void Output::write(std::string_view text) {
    const File stopped = File::adopt(::eventfd(0, EFD_CLOEXEC), "eventfd");
    const std::stop_callback on_stop(stop_, [&] { eventfd_write(stopped.descriptor(), 1); });
    std::array<pollfd, 2> waiting = {
        {{descriptor_, POLLOUT, 0}, {stopped.descriptor(), POLLIN, 0}}};
    while (!text.empty() && !is_reader_gone_) {
        if (::poll(waiting.data(), waiting.size(), -1) < 0) {
            continue;  // EINTR; nothing else can happen to two descriptors
        }
        if (waiting[0].revents == 0) {
            throw Cancelled();
        }
        // A pipe that is ready takes this much at once, so that the write does not block.
        // Source: pipe(7), PIPE_BUF.
        const ssize_t count =
            ::write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (count >= 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EPIPE) {
            is_reader_gone_ = true;
        } else if (errno != EINTR && errno != EAGAIN) {
            throw explained<Error>(fmt::format("cannot write to standard output: {}",
                                               std::generic_category().message(errno)),
                                   "The work itself was done; only what it had to say is lost.",
                                   "output_failed");
        }
    }
}

}  // namespace dbbackup
