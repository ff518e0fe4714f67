#include "base/log.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <iterator>
#include <mutex>
#include <system_error>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 5> kLevelWords = {"debug", "info", "warning", "error",
                                                         "off"};

std::string_view word_of(LogLevel level) { return kLevelWords[static_cast<std::size_t>(level)]; }

/// One line, ready to be formatted in any way.
struct Entry {
    std::string time;
    LogLevel level;
    std::string_view run_id;
    std::string_view message;
    const LogFields& fields;
};

/// Appends `text` without control characters: they could forge lines or drive the terminal.
void append_escaped(std::string& line, std::string_view text) {
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '\n') {
            line += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            fmt::format_to(std::back_inserter(line), "\\x{:02x}", byte);
        } else {
            line += character;
        }
    }
}

void append_value(std::string& line, std::string_view value) {
    if (!value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos) {
        append_escaped(line, value);
        return;
    }
    std::string quoted;
    for (const char character : value) {
        if (character == '"' || character == '\\') {
            quoted += '\\';
        }
        quoted += character;
    }
    line += '"';
    append_escaped(line, quoted);
    line += '"';
}

void append_fields(std::string& line, const LogFields& fields) {
    for (const auto& [name, value] : fields) {
        line += ' ';
        append_escaped(line, name);
        line += '=';
        append_value(line, value);
    }
}

/// "warning: cannot reach db1 attempt=2"
std::string short_line(const Entry& entry) {
    std::string line = fmt::format("{}: ", word_of(entry.level));
    append_escaped(line, entry.message);
    append_fields(line, entry.fields);
    return line;
}

/// "2026-11-22T14:03:05.123Z warning [3f2a] cannot reach db1 attempt=2"
std::string text_line(const Entry& entry) {
    std::string line = fmt::format("{} {:<7} ", entry.time, word_of(entry.level));
    if (!entry.run_id.empty()) {
        line += '[';
        append_escaped(line, entry.run_id);
        line += "] ";
    }
    append_escaped(line, entry.message);
    append_fields(line, entry.fields);
    return line;
}

std::string json_line(const Entry& entry) {
    nlohmann::ordered_json line = {{"time", entry.time}, {"level", word_of(entry.level)}};
    if (!entry.run_id.empty()) {
        line["run"] = entry.run_id;
    }
    line["message"] = entry.message;
    for (const auto& [name, value] : entry.fields) {
        std::string key = name;
        while (line.contains(key)) {
            key += '_';  // a field never replaces the time or another field
        }
        line[key] = value;
    }
    // Names of files and tables need not be UTF-8; JSON must be.
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

using Sink = std::unique_ptr<spdlog::sinks::sink>;

void use_lines_as_they_are(spdlog::sinks::sink& sink) {
    sink.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%v", spdlog::pattern_time_type::utc, std::string("\n")));
}

/// The log file, shared by threads.
class FileLines {
public:
    explicit FileLines(const LogOptions& options) : stderr_line_(options.stderr_line) {
        try {
            file_.emplace(*options.file, LogRotation{options.rotate_bytes, options.rotate_keep,
                                                     options.rotate_age});
        } catch (const std::system_error& error) {
            throw explained<ConfigError>(
                fmt::format("cannot open the log file {}: {}", options.file->native(),
                            error.code().message()),
                "Choose another logging.file, or correct the permissions of its folder.",
                "log_file");
        }
    }

    /// A full disk must not end a backup: the first failure is told on stderr, later ones are not.
    void write(std::string_view line) noexcept {
        const std::lock_guard lock(mutex_);
        try {
            file_->write(line);
        } catch (const std::exception& error) {
            tell(error.what());
        }
    }

private:
    void tell(const char* problem) noexcept {
        if (std::exchange(failed_, true)) {
            return;
        }
        try {
            if (stderr_line_) {
                stderr_line_(fmt::format("warning: cannot write the log file: {}", problem));
                return;
            }
            // tidy: allow calls, because the log is what failed, and this must not throw.
            std::fprintf(stderr, "warning: cannot write the log file: %s\n", problem);
        } catch (const std::exception&) {
            // Nobody is left to tell.
        }
    }

    std::function<void(std::string_view)> stderr_line_;
    std::mutex mutex_;
    std::optional<LogFile> file_;
    bool failed_ = false;
};

}  // namespace

struct Log::Sinks {
    explicit Sinks(const LogOptions& given)
        : options(given),
          terminal(::isatty(STDERR_FILENO) == 1),
          errors(std::make_unique<spdlog::sinks::stderr_sink_mt>()) {
        use_lines_as_they_are(*errors);
        if (options.file) {
            file.emplace(options);
        }
    }

    [[nodiscard]] std::string line_of(const Entry& entry) const {
        return options.format == LogFormat::json ? json_line(entry) : text_line(entry);
    }

    LogOptions options;
    bool terminal;
    Sink errors;
    std::optional<FileLines> file;
};

Log::Log() = default;
Log::Log(const LogOptions& options) : sinks_(std::make_unique<Sinks>(options)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

void Log::debug(std::string_view message, const LogFields& fields) {
    write(LogLevel::debug, message, fields);
}
void Log::info(std::string_view message, const LogFields& fields) {
    write(LogLevel::info, message, fields);
}
void Log::warning(std::string_view message, const LogFields& fields) {
    write(LogLevel::warning, message, fields);
}
void Log::error(std::string_view message, const LogFields& fields) {
    write(LogLevel::error, message, fields);
}

void Log::write(LogLevel level, std::string_view message, const LogFields& fields) {
    if (!sinks_) {
        return;
    }
    const bool to_errors = level >= sinks_->options.stderr_level;
    const bool to_file = sinks_->file && level >= sinks_->options.file_level;
    if (!to_errors && !to_file) {
        return;
    }
    const Entry entry{format_rfc3339(SystemClock().now()), level, sinks_->options.run_id, message,
                      fields};
    const std::string line = sinks_->line_of(entry);
    if (to_file) {
        sinks_->file->write(line);
    }
    if (!to_errors) {
        return;
    }
    const std::string shown = sinks_->terminal ? short_line(entry) : line;
    if (sinks_->options.stderr_line) {
        sinks_->options.stderr_line(shown);
    } else {
        sinks_->errors->log(
            spdlog::details::log_msg({}, spdlog::level::info, {shown.data(), shown.size()}));
    }
}

}  // namespace dbbackup
