#include "archive/zip_writer.hpp"

#include "archive/little_endian.hpp"
#include "archive/zip_format.hpp"

#include <limits>
#include <utility>

namespace dbbackup {
namespace {

/// Of the DOS clock, which has 2 seconds; in UTC, as the extra field with the exact time is.
std::uint32_t dos_time(std::chrono::sys_time<std::chrono::milliseconds> time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
    const int year = static_cast<int>(date.year()) - 1980;
    if (year < 0 || year > 127) {
        return (1U << 21U) | (1U << 16U);  // The first day that it knows.
    }
    return static_cast<std::uint32_t>(year) << 25U | unsigned{date.month()} << 21U |
           unsigned{date.day()} << 16U | static_cast<std::uint32_t>(clock.hours().count()) << 11U |
           static_cast<std::uint32_t>(clock.minutes().count()) << 5U |
           static_cast<std::uint32_t>(clock.seconds().count()) / 2;
}

/// "UT": seconds since 1970, which tools prefer to the DOS time.
void append_exact_time(Bytes& out, std::chrono::sys_time<std::chrono::milliseconds> time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
    append_u16(out, zip::kExactTimeTag);
    append_u16(out, 5);
    out.push_back(1);  // modified, and no other time
    append_u32(out, seconds > std::numeric_limits<std::int32_t>::max()
                        ? 0
                        : static_cast<std::uint32_t>(seconds));
}

/// What local header and directory say alike: from the flags to the CRC.
void append_shared_fields(Bytes& out, std::chrono::sys_time<std::chrono::milliseconds> time,
                          std::uint32_t crc) {
    append_u16(out, zip::kFlagDescriptor | zip::kFlagUtf8);
    append_u16(out, zip::kMethodDeflate);
    append_u32(out, dos_time(time));
    append_u32(out, crc);
    append_u32(out, zip::kIn64);
    append_u32(out, zip::kIn64);
}

void append_text(Bytes& out, std::string_view text) {
    const BytesView bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

constexpr std::uint16_t kExactTimeBytes = 9;
constexpr std::uint16_t kLocalSizesBytes = 20;
constexpr std::uint16_t kDirectorySizesBytes = 28;
/// A file that only its owner may read, as databases of ours are. Source: APPNOTE, 4.4.15.
constexpr std::uint32_t kPrivateFile = 0100600U << 16U;

}  // namespace

ZipWriter::ZipWriter(const ArchiveOptions& options, ByteSink& sink, std::stop_token stop)
    : options_(options), sink_(sink), stop_(std::move(stop)) {}

void ZipWriter::put(const Bytes& record) {
    sink_.write(record);
    offset_ += record.size();
}

void ZipWriter::begin_entry(const std::string& name) {
    Entry entry;
    entry.name = name;
    entry.offset = offset_;
    Bytes header;
    append_u32(header, zip::kLocalHeader);
    append_u16(header, zip::kVersion64);
    append_shared_fields(header, options_.time, 0);  // known once the content was written
    append_u16(header, static_cast<std::uint16_t>(name.size()));
    append_u16(header, kLocalSizesBytes + kExactTimeBytes);
    append_text(header, name);
    // Its presence says that the descriptor after the content has 64-bit sizes.
    append_u16(header, zip::kSizesTag);
    append_u16(header, 16);
    append_u64(header, 0);
    append_u64(header, 0);
    append_exact_time(header, options_.time);
    put(header);
    entries_.push_back(std::move(entry));
    content_.emplace(sink_, options_.compression.level, options_.jobs, stop_);
}

void ZipWriter::write(BytesView content) { content_->write(content); }

void ZipWriter::end_entry() {
    DeflateSums& sums = entries_.back().sums;
    sums = content_->finish();
    content_.reset();
    offset_ += sums.packed_bytes;
    Bytes descriptor;
    append_u32(descriptor, zip::kDescriptor);
    append_u32(descriptor, sums.crc);
    append_u64(descriptor, sums.packed_bytes);
    append_u64(descriptor, sums.plain_bytes);
    put(descriptor);
}

void ZipWriter::append_directory_record(Bytes& out, const Entry& entry) const {
    append_u32(out, zip::kDirectoryRecord);
    append_u16(out, zip::kMadeOnUnix | zip::kVersion64);
    append_u16(out, zip::kVersion64);
    append_shared_fields(out, options_.time, entry.sums.crc);
    append_u16(out, static_cast<std::uint16_t>(entry.name.size()));
    append_u16(out, kDirectorySizesBytes + kExactTimeBytes);
    append_u16(out, 0);  // no comment
    append_u16(out, 0);  // first disk
    append_u16(out, 0);  // not a text file
    append_u32(out, kPrivateFile);
    append_u32(out, zip::kIn64);
    append_text(out, entry.name);
    append_u16(out, zip::kSizesTag);
    append_u16(out, 24);
    append_u64(out, entry.sums.plain_bytes);
    append_u64(out, entry.sums.packed_bytes);
    append_u64(out, entry.offset);
    append_exact_time(out, options_.time);
}

void ZipWriter::finish(const ArchiveManifest& manifest) {
    begin_entry(std::string(kManifestEntry));
    write(as_bytes(manifest_text(manifest)));
    end_entry();
    Bytes directory;
    for (const Entry& entry : entries_) {
        append_directory_record(directory, entry);
    }
    const std::uint64_t directory_offset = offset_;
    put(directory);
    Bytes end;
    append_u32(end, zip::kEnd64);
    append_u64(end, zip::kEnd64Bytes - 12);  // what follows this field
    append_u16(end, zip::kMadeOnUnix | zip::kVersion64);
    append_u16(end, zip::kVersion64);
    append_u32(end, 0);  // this disk
    append_u32(end, 0);  // the disk of the directory
    append_u64(end, entries_.size());
    append_u64(end, entries_.size());
    append_u64(end, directory.size());
    append_u64(end, directory_offset);
    append_u32(end, zip::kEnd64Locator);
    append_u32(end, 0);
    append_u64(end, offset_);
    append_u32(end, 1);
    append_u32(end, zip::kEnd);
    append_u16(end, 0);
    append_u16(end, 0);
    append_u16(end, zip::kCountIn64);
    append_u16(end, zip::kCountIn64);
    append_u32(end, zip::kIn64);
    append_u32(end, zip::kIn64);
    append_u16(end, 0);  // no comment
    put(end);
}

}  // namespace dbbackup
