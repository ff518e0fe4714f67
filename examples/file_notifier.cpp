#include "examples/file_notifier.hpp"

#include "base/error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace dbbackup {
namespace {

/// Closes itself.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

/// A full disk or a folder that is not mounted yet may pass: the outbox tries again for three days.
Error refused(const std::filesystem::path& path) {
    return Error(
        fmt::format("cannot write {}: {}", path.native(), std::generic_category().message(errno)),
        Retry::may_help);
}

}  // namespace

void FileNotifier::send(const Notice& notice, std::stop_token stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    std::string line = to_json(notice);
    std::ranges::replace(line, '\n', ' ');  // Within texts it is "\n", so these only lay it out.
    line += '\n';
    const Descriptor file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (file.number() < 0) {
        throw refused(path_);
    }
    // One write to a file that is opened to append: lines of several processes do not mix.
    const ssize_t written = ::write(file.number(), line.data(), line.size());
    if (written < 0 || ::fsync(file.number()) != 0) {
        throw refused(path_);
    }
    if (static_cast<std::size_t>(written) != line.size()) {
        throw Error(fmt::format("{} took only a part of a line", path_.native()), Retry::may_help);
    }
}

}  // namespace dbbackup
