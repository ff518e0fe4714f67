#include "sys/subprocess.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/units.hpp"
#include "sys/child_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace dbbackup {
namespace {

constexpr std::size_t kErrorsBytesMax = 4_KiB;
constexpr std::size_t kReserveBytesMax = 64_KiB;

/// Keeps the end of what comes.
TakePart keep_end(std::string& text) {
    return [&text](BytesView part) {
        text += as_text(part);
        if (text.size() > kErrorsBytesMax) {
            text.erase(0, text.size() - kErrorsBytesMax);
        }
    };
}

/// Cuts a stream into lines of bounded length.
class Lines {
public:
    explicit Lines(const std::function<void(std::string_view)>& on_line) : on_line_(on_line) {}

    void take(BytesView part) {
        for (const char character : as_text(part)) {
            if (character == '\n') {
                end();
            } else if (line_.size() < kErrorsBytesMax) {
                line_ += character;
            }
        }
    }

    /// What stands after the last break is a line too.
    void finish() {
        if (!line_.empty()) {
            end();
        }
    }

private:
    void end() {
        if (line_.ends_with('\r')) {
            line_.pop_back();
        }
        on_line_(line_);
        line_.clear();
    }

    const std::function<void(std::string_view)>& on_line_;
    std::string line_;
};

}  // namespace

ProcessResult run_shell(const std::string& command, std::chrono::seconds timeout,
                        std::size_t output_bytes_max, std::stop_token stop) {
    ProcessResult result;
    // One allocation for what is usually a secret: growing would leave copies behind.
    result.output.reserve(std::min(output_bytes_max, kReserveBytesMax));
    const auto take_output = [&](BytesView part) {
        if (part.size() > output_bytes_max - result.output.size()) {
            throw Error(
                fmt::format("the command wrote more than {}", format_size(output_bytes_max)));
        }
        result.output.insert(result.output.end(), part.begin(), part.end());
    };
    try {
        result.exit_status = run_child({.arguments = {"/bin/sh", "-c", command},
                                        .timeout = timeout,
                                        .take_output = take_output,
                                        .take_errors = keep_end(result.errors)},
                                       stop);
    } catch (...) {
        wipe(result.output);
        throw;
    }
    return result;
}

int run_shell_for_effect(const std::string& command, const ShellSetting& setting,
                         std::stop_token stop) {
    std::vector<std::string> also;
    for (const auto& [name, value] : setting.variables) {
        also.push_back(fmt::format("{}={}", name, value));
    }
    Lines output(setting.on_line);
    Lines errors(setting.on_line);
    const int status = run_child({.arguments = {"/bin/sh", "-c", command},
                                  .variables = also,
                                  .timeout = setting.timeout,
                                  .take_output = [&output](BytesView part) { output.take(part); },
                                  .take_errors = [&errors](BytesView part) { errors.take(part); }},
                                 stop);
    output.finish();
    errors.finish();
    return status;
}

ProgramEnd run_program(const ProgramCall& call, std::stop_token stop) {
    ProgramEnd end;
    end.exit_status =
        run_child({.arguments = call.arguments,
                   .variables = call.variables,
                   .inherited = call.inherited,
                   .give_input = call.give_input ? &call.give_input : nullptr,
                   .take_output = call.take_output ? call.take_output : TakePart([](BytesView) {}),
                   .take_errors = keep_end(end.errors)},
                  stop);
    return end;
}

}  // namespace dbbackup
