#pragma once

/// @file
/// The image of a database in a file that may have no name: written from the stored stream, proven,
/// and read by SQLite through `StreamVfs`.
///
/// Data path: storage -> unpacker -> [image_file] -> a new database, or SQLite -> an existing one.

#include "connector/connector.hpp"
#include "sys/file.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::sqlite {

/// Writes all of `stream`; not yet durable.
/// @throws FileError; CorruptionError when the stream has another length than it says; what the
/// stream throws; Cancelled.
void write_image(File& file, StreamReader& stream, std::stop_token stop);

/// The file as a stream. Borrows it.
class ImageReader final : public StreamReader {
public:
    ImageReader(const File& file, const StoredStream& stream) : file_(file), stream_(stream) {}

    [[nodiscard]] const StoredStream& stream() const override { return stream_; }
    /// @throws FileError; CorruptionError past the end of the file.
    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) override;
    void read_all(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                  std::stop_token stop) override;

private:
    const File& file_;
    const StoredStream& stream_;
};

/// Proves that the file has the pages of the snapshot, and that `PRAGMA integrity_check` finds them
/// sound. What cannot be checked here (an index whose collation only the application knows) becomes
/// a warning.
/// @param remains What holds when this throws, for the message: "x.db is as it was".
/// @throws CorruptionError for other pages; SourceError (source_corrupt) with what the check found;
/// FileError; Cancelled.
void prove_image(const File& file, const StoredStream& stream, const Fingerprinter& fingerprinter,
                 std::string_view remains, std::vector<std::string>& warnings,
                 std::stop_token stop);

}  // namespace dbbackup::sqlite
