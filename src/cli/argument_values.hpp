#pragma once

/// @file
/// From the text of one option to its value. Every function throws ConfigError (exit code 2) that
/// names the option, shows what was given and says what would be accepted.

#include "base/age.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "config/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// An error about one option.
[[nodiscard]] ConfigError bad_value(std::string_view option, std::string_view text,
                                    std::string_view accepted, std::string hint);

/// One of `words`, as its index.
[[nodiscard]] std::size_t index_of_word(std::string_view option, std::string_view text,
                                        const std::vector<std::string_view>& words);

/// One of the words of `E`.
template <class E>
[[nodiscard]] E enum_argument(std::string_view option, std::string_view text) {
    const auto& words = EnumWords<E>::words;
    return static_cast<E>(index_of_word(option, text, {words.begin(), words.end()}));
}

/// A whole number from `least` to `most`.
[[nodiscard]] std::uint64_t number_argument(std::string_view option, std::string_view text,
                                            std::uint64_t least, std::uint64_t most);

/// "5", "5%"; 0 to 100.
[[nodiscard]] std::uint64_t percent_argument(std::string_view option, std::string_view text);

/// `--jobs`: 1 to 64.
[[nodiscard]] unsigned jobs_argument(std::string_view text);

/// "1GiB", "512k", "0".
[[nodiscard]] std::uint64_t rate_argument(std::string_view option, std::string_view text);
[[nodiscard]] std::uint64_t size_argument(std::string_view option, std::string_view text);

/// `--lock-timeout`: "30s", "5m", "0s"; at most a day.
[[nodiscard]] std::chrono::seconds lock_timeout_argument(std::string_view text);

/// "30d", "1y6mo".
[[nodiscard]] Age age_argument(std::string_view option, std::string_view text);

/// "30m", "2h".
[[nodiscard]] std::chrono::seconds duration_argument(std::string_view option,
                                                     std::string_view text);

/// `--compression`; zip is refused, because a repository can not hold it.
[[nodiscard]] Compression compression_argument(std::string_view text);
/// The same for what may be an archive, which can be a zip.
[[nodiscard]] Compression archive_compression_argument(std::string_view text);
/// @throws ConfigError when it is zip.
void refuse_zip(const Compression& compression);

/// `--tag K=V`, each key once.
[[nodiscard]] std::map<std::string, std::string> tag_arguments(
    const std::vector<std::string>& texts);

/// `--label`: UTF-8, at most 200 bytes.
[[nodiscard]] std::string label_argument(std::string_view option, std::string_view text);

/// A text that must not be empty (paths, names): `--source ""` comes from an unset shell variable.
[[nodiscard]] std::string text_argument(std::string_view option, std::string_view text);

}  // namespace dbbackup
