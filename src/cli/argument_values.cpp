#include "cli/argument_values.hpp"

#include "base/units.hpp"
#include "config/problems.hpp"

#include <charconv>
#include <optional>

namespace dbbackup {
namespace {

/// Tags are for people and filters; a repository reads all of them to make a list.
constexpr std::size_t kTagLengthMax = 1024;
constexpr std::size_t kTagsMax = 64;

std::string one_of(const std::vector<std::string_view>& words) {
    std::string text(words.front());
    for (std::size_t index = 1; index < words.size(); ++index) {
        text += (index + 1 == words.size() ? " or " : ", ");
        text += words[index];
    }
    return text;
}

Compression read_compression(std::string_view text, const char* hint) {
    const std::optional<Compression> compression = Compression::parse(text);
    if (!compression) {
        throw bad_value("--compression", text, "a compression", hint);
    }
    return *compression;
}

}  // namespace

ConfigError bad_value(std::string_view option, std::string_view text, std::string_view accepted,
                      std::string hint) {
    return explained<ConfigError>(fmt::format("{} '{}' is not {}", option, shown(text), accepted),
                                  std::move(hint), "bad_option_value");
}

std::size_t index_of_word(std::string_view option, std::string_view text,
                          const std::vector<std::string_view>& words) {
    for (std::size_t index = 0; index < words.size(); ++index) {
        if (words[index] == text) {
            return index;
        }
    }
    const std::string meant = nearest(text, std::vector<std::string>(words.begin(), words.end()));
    throw bad_value(option, text, one_of(words),
                    !meant.empty()
                        ? fmt::format("Did you mean {} {}?", option, meant)
                        : fmt::format("Give {} one of: {}.", option, fmt::join(words, ", ")));
}

std::uint64_t number_argument(std::string_view option, std::string_view text, std::uint64_t least,
                              std::uint64_t most) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stopped != end || number < least || number > most) {
        throw bad_value(option, text, fmt::format("a whole number from {} to {}", least, most),
                        fmt::format("Write for example {} {}.", option, least + 1));
    }
    return number;
}

unsigned jobs_argument(std::string_view text) {
    return static_cast<unsigned>(number_argument("--jobs", text, 1, kJobsMax));
}

std::uint64_t percent_argument(std::string_view option, std::string_view text) {
    constexpr std::uint64_t kWhole = 100;
    return number_argument(option, text.substr(0, text.size() - (text.ends_with('%') ? 1 : 0)), 0,
                           kWhole);
}

std::uint64_t size_argument(std::string_view option, std::string_view text) {
    if (lacks_unit(text)) {
        throw explained<ConfigError>(
            fmt::format("{} '{}' has no unit", option, shown(text)),
            fmt::format("Write for example {0} {1}MiB or {0} {1}GiB.", option, shown(text)),
            "bad_option_value");
    }
    const std::optional<std::uint64_t> size = parse_size(text);
    if (!size) {
        throw bad_value(option, text, "a size", fmt::format("Write for example {} 2GiB.", option));
    }
    return *size;
}

std::uint64_t rate_argument(std::string_view option, std::string_view text) {
    const std::optional<std::uint64_t> rate = parse_rate(text);
    if (!rate || *rate < kRateMin || *rate > kRateMax) {
        throw bad_value(option, text, "a rate from 64KiB/s to 1TiB/s",
                        fmt::format("Write for example {} 20MiB/s.", option));
    }
    return *rate;
}

std::chrono::seconds lock_timeout_argument(std::string_view text) {
    const std::optional<std::chrono::seconds> duration = parse_duration(text);
    if (!duration || *duration > kLockTimeoutMax) {
        throw bad_value("--lock-timeout", text, "a duration of at most a day",
                        "Write for example --lock-timeout 30s.");
    }
    return *duration;
}

std::chrono::seconds duration_argument(std::string_view option, std::string_view text) {
    const std::optional<std::chrono::seconds> duration = parse_duration(text);
    if (!duration) {
        throw bad_value(option, text, "a duration",
                        fmt::format("Write for example {} 30m.", option));
    }
    return *duration;
}

Age age_argument(std::string_view option, std::string_view text) {
    const std::optional<Age> age = parse_age(text);
    if (!age) {
        throw bad_value(option, text, "an age",
                        fmt::format("Write for example {0} 30d or {0} 1y6mo.", option));
    }
    return *age;
}

Compression compression_argument(std::string_view text) {
    const Compression compression = read_compression(
        text,
        "Write zstd, gzip or none, with a level after a colon if you like, for example zstd:3 or "
        "gzip:6.");
    refuse_zip(compression);
    return compression;
}

Compression archive_compression_argument(std::string_view text) {
    return read_compression(text,
                            "Write zstd, gzip, none, or for an archive zip, with a level after a "
                            "colon if you like, for "
                            "example zstd:3 or gzip:6.");
}

void refuse_zip(const Compression& compression) {
    if (compression.kind == CompressionKind::zip) {
        throw explained<ConfigError>("--compression zip does not go with a repository",
                                     "Use zstd (the default), gzip or none; zip is only for "
                                     "--format archive.",
                                     "bad_option_value");
    }
}

std::map<std::string, std::string> tag_arguments(const std::vector<std::string>& texts) {
    std::map<std::string, std::string> tags;
    for (const std::string& text : texts) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0 || text.size() > kTagLengthMax) {
            throw bad_value(
                "--tag", text,
                fmt::format("of the form KEY=VALUE (at most {} characters)", kTagLengthMax),
                "Write for example --tag env=prod.");
        }
        if (utf8_prefix_bytes(text) < text.size()) {
            throw bad_value("--tag", text, "UTF-8 text", "Write for example --tag env=prod.");
        }
        if (!tags.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
            throw explained<ConfigError>(
                fmt::format("--tag '{}' is given twice", shown(text.substr(0, equals))),
                "Give each tag one value.", "bad_option_value");
        }
    }
    if (tags.size() > kTagsMax) {
        throw explained<ConfigError>(fmt::format("{} tags are given", tags.size()),
                                     fmt::format("Give at most {}.", kTagsMax), "bad_option_value");
    }
    return tags;
}

std::string label_argument(std::string_view option, std::string_view text) {
    constexpr std::size_t kBytesMax = 200;
    if (text.empty() || text.size() > kBytesMax || utf8_prefix_bytes(text) < text.size()) {
        throw bad_value(option, text, fmt::format("UTF-8 text of at most {} bytes", kBytesMax),
                        fmt::format("Write for example {} safe.", option));
    }
    return std::string(text);
}

std::string text_argument(std::string_view option, std::string_view text) {
    if (text.empty()) {
        throw explained<ConfigError>(fmt::format("{} is empty", option),
                                     "Give it a value; an unset shell variable often causes this.",
                                     "bad_option_value");
    }
    return std::string(text);
}

}  // namespace dbbackup
