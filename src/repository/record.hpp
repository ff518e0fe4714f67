#pragma once

/// @file
/// The sealed envelope around every record object (docs/format.md, "Records").
///
///     offset  bytes
///          0      4  magic "DBBK"
///          4      1  format version, 1
///          5      1  kind (RecordKind)
///          6      1  cipher (Cipher)
///          7      1  number of sections n, 1 to 4
///          8     32  salt, random
///         40    4*n  sealed length of each section, little-endian
///       40+4n      …  the sections, sealed one after the other
///
/// Additional data of section i: everything before the sections, the repository id, the object's
/// name and i. So a record moved to another name, another repository or another place is refused.

#include "base/bytes.hpp"
#include "repository/keys.hpp"
#include "storage/object_name.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dbbackup {

/// What a record object is. Numbers are part of the repository format.
enum class RecordKind : std::uint8_t {
    run = 1,
    manifest = 2,
    index = 3,
    marker = 4,
    collection = 5,
    tombstone = 6,
    damage = 7,
    pin = 8,
    pin_end = 9,
};

inline constexpr std::uint8_t kFormatVersion = 1;

/// A record as read: its kind, and its sections' plain bytes.
struct Record {
    RecordKind kind = RecordKind::run;
    std::vector<Bytes> sections;
};

/// The sealed object. Sections are compressed first where that helps.
[[nodiscard]] Bytes encode_record(const Keys& keys, const ObjectName& name, RecordKind kind,
                                  std::span<const std::string> sections);

/// @param kinds What it may be; any kind when this is empty.
/// @throws CorruptionError (names the object) unless every byte is as it was written, and when it
/// is of another kind; RepositoryError for a newer format version.
[[nodiscard]] Record decode_record(const Keys& keys, const ObjectName& name, BytesView object,
                                   std::initializer_list<RecordKind> kinds = {});

/// Whether an object begins like a record and is as long as that says.
[[nodiscard]] bool is_whole_record(BytesView object) noexcept;

/// How many bytes of a record end with its first section. @pre `beginning` decoded without error.
[[nodiscard]] std::size_t record_head_bytes(BytesView beginning);

/// Decodes only the first section from the first bytes of an object, when they are enough of it;
/// otherwise gives nothing. @throws as decode_record.
[[nodiscard]] std::optional<Record> decode_first_section(const Keys& keys, const ObjectName& name,
                                                         BytesView beginning);

}  // namespace dbbackup
