#pragma once

/// @file
/// A zip archive written as a stream: sizes and checksums follow each entry (data descriptors), all
/// of them with 64 bits, so that nothing depends on how large a database turns out to be.
/// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.

#include "archive/archive_writer.hpp"
#include "archive/deflate_stream.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace dbbackup {

/// Not thread-safe.
class ZipWriter final : public ArchiveWriter {
public:
    /// @param sink Borrowed.
    ZipWriter(const ArchiveOptions& options, ByteSink& sink, std::stop_token stop);

    void begin_entry(const std::string& name) override;
    void write(BytesView content) override;
    void end_entry() override;
    void finish(const ArchiveManifest& manifest) override;

private:
    struct Entry {
        std::string name;
        std::uint64_t offset = 0;  ///< Of its header in the archive.
        DeflateSums sums;
    };

    void put(const Bytes& record);
    void append_directory_record(Bytes& out, const Entry& entry) const;

    ArchiveOptions options_;
    ByteSink& sink_;
    std::stop_token stop_;
    std::uint64_t offset_ = 0;  ///< Bytes of the archive so far.
    std::vector<Entry> entries_;
    std::optional<DeflateStream> content_;  ///< Of the entry that is open.
};

}  // namespace dbbackup
