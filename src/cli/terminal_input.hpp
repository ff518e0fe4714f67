#pragma once

/// @file
/// The person at the terminal: text shown to them, and lines that they type. The terminal itself,
/// not stdin and stdout, which may be redirected.

#include "base/bytes.hpp"
#include "sys/file.hpp"

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

namespace dbbackup {

/// Not thread-safe.
class TerminalInput {
public:
    /// Nothing when nobody is there to answer: stdin is no terminal, or there is none.
    [[nodiscard]] static std::optional<TerminalInput> open();

    void show(std::string_view text) const;

    /// One line without its break, or what was typed before the end of the input; nothing when
    /// that is nothing. @throws ConfigError for more than `bytes_max`; Cancelled when `stop` fires.
    [[nodiscard]] std::optional<Bytes> line(std::size_t bytes_max,
                                            const std::stop_token& stop) const;

    [[nodiscard]] int descriptor() const noexcept { return file_.descriptor(); }

private:
    explicit TerminalInput(File file) : file_(std::move(file)) {}

    File file_;
};

}  // namespace dbbackup
