#pragma once

/// @file
/// The closed lists of words that configuration and command line share.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace dbbackup {

enum class DatabaseType : std::uint8_t { sqlite, postgres, mysql, mariadb, mongodb };
enum class StorageType : std::uint8_t { local, s3, gcs, azure };
enum class BackupMode : std::uint8_t { full, incremental, differential };
enum class Encryption : std::uint8_t { passphrase, keyfile, none };
enum class CompressionKind : std::uint8_t { zstd, gzip, zip, none };
enum class DeltaPolicy : std::uint8_t { automatic, always, never };

/// The words of an enum, in the order of its values. One specialisation per enum.
template <class E>
struct EnumWords;

template <>
struct EnumWords<DatabaseType> {
    static constexpr std::array<std::string_view, 5> words = {"sqlite", "postgres", "mysql",
                                                              "mariadb", "mongodb"};
};
template <>
struct EnumWords<StorageType> {
    static constexpr std::array<std::string_view, 4> words = {"local", "s3", "gcs", "azure"};
};
template <>
struct EnumWords<BackupMode> {
    static constexpr std::array<std::string_view, 3> words = {"full", "incremental",
                                                              "differential"};
};
template <>
struct EnumWords<Encryption> {
    static constexpr std::array<std::string_view, 3> words = {"passphrase", "keyfile", "none"};
};
template <>
struct EnumWords<CompressionKind> {
    static constexpr std::array<std::string_view, 4> words = {"zstd", "gzip", "zip", "none"};
};
template <>
struct EnumWords<DeltaPolicy> {
    static constexpr std::array<std::string_view, 3> words = {"auto", "always", "never"};
};

/// The word of a value.
template <class E>
[[nodiscard]] constexpr std::string_view word_of(E value) noexcept {
    return EnumWords<E>::words[static_cast<std::size_t>(value)];
}

/// The value of a word (exact, lower case), or nothing.
template <class E>
[[nodiscard]] constexpr std::optional<E> value_of(std::string_view word) noexcept {
    for (std::size_t index = 0; index < EnumWords<E>::words.size(); ++index) {
        if (EnumWords<E>::words[index] == word) {
            return static_cast<E>(index);
        }
    }
    return std::nullopt;
}

/// Codec and level as people write them: "zstd", "zstd:3", "gzip:6", "none".
struct Compression {
    CompressionKind kind = CompressionKind::zstd;
    int level = 0;  ///< 0: the codec's default.

    /// Nothing when `text` is not of that form or the level is out of the codec's range.
    static std::optional<Compression> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Compression&, const Compression&) = default;
};

}  // namespace dbbackup
