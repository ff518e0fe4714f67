#pragma once

/// @file
/// The only writer of stdout: text for people, or exactly one JSON document.

#include "base/bytes.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <stop_token>
#include <string_view>
#include <utility>

namespace dbbackup {

enum class OutputFormat : std::uint8_t { text, json };

/// Not thread-safe. A reader that closes its pipe early (`| head`) is no error: the rest is
/// dropped, and the exit code stays that of the work.
class Output {
public:
    explicit Output(OutputFormat format, int descriptor = 1);

    /// From now on, waiting for a reader that does not read ends when `stop` fires. What can be
    /// written at once still is: the error document of a cancelled command.
    void end_waiting_with(std::stop_token stop) { stop_ = std::move(stop); }

    [[nodiscard]] OutputFormat format() const noexcept { return format_; }
    /// Once it is certain what was asked for. Before anything is written.
    void set_format(OutputFormat format) noexcept { format_ = format; }
    [[nodiscard]] bool is_json() const noexcept { return format_ == OutputFormat::json; }
    /// Whether a JSON document was given out already; there must not be a second one.
    [[nodiscard]] bool has_document() const noexcept { return has_document_; }

    /// @throws Error (code "output_failed") when stdout is full, closed or broken; Cancelled.
    void text(std::string_view text);
    void document(const nlohmann::ordered_json& document);
    /// Bytes that are what was asked for, in the place of text about it. @throws as text; also
    /// Error (code "output_failed") when the reader is gone, because what it got is not whole.
    void content(BytesView bytes);

private:
    void write(std::string_view text);

    OutputFormat format_;
    int descriptor_;
    std::stop_token stop_;
    bool has_document_ = false;
    bool is_reader_gone_ = false;
};

}  // namespace dbbackup
