#pragma once

/// @file
/// Where an archive goes: a new file, standard output or an object of a store. It is there whole or
/// not at all, but for standard output, and with its checksum in a file beside it.

#include "archive/byte_sink.hpp"
#include "cli/command_context.hpp"
#include "config/enums.hpp"
#include "crypto/hash.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// What became of an archive.
struct WrittenArchive {
    std::string place;  ///< A path, a URL, or "-".
    std::uint64_t size_bytes = 0;
    Digest sha256{};
    std::optional<std::string> checksum_place;  ///< Nothing for standard output.
};

/// A sink that sees where it goes: counts, hashes. Dropped without `commit`, nothing is left of it.
class ArchiveTarget : public ByteSink {
public:
    void write(BytesView content) final;
    /// Makes the archive visible, durably, and writes its checksum as `sha256sum -c` reads it.
    /// @throws ConfigError (code "target_not_empty") when somebody took the name meanwhile,
    /// StorageError.
    [[nodiscard]] WrittenArchive commit();

protected:
    /// @param place For people. @param name The last part of it, which the checksum file names.
    ArchiveTarget(std::string place, std::string name);

    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    [[nodiscard]] const std::string& place() const noexcept { return place_; }

private:
    virtual void put(BytesView content) = 0;
    /// @param checksum The content of the file beside it. @return Where that is.
    virtual std::optional<std::string> publish(const std::string& checksum) = 0;

    std::string place_;
    std::string name_;
    std::uint64_t size_bytes_ = 0;
    Sha256 hash_;
};

/// Looks at the place before anything is read: never over what exists.
/// @param output As given with `--output`. @param repository The local folder that it must not be
/// in; empty: none.
/// @throws ConfigError.
[[nodiscard]] std::unique_ptr<ArchiveTarget> open_archive_target(const std::string& output,
                                                                 const std::string& repository,
                                                                 CommandContext& context);

/// What was asked for, else what the end of the name says (.gz, .zst, .zip, .sqlite, .db …), else
/// what is configured, else zstd.
/// @throws ConfigError (code "usage") when the name says .gz, .zst or .zip and something else was
/// asked for.
[[nodiscard]] Compression archive_compression(const std::optional<Compression>& asked,
                                              const std::string& output,
                                              const std::optional<Compression>& configured);

}  // namespace dbbackup
