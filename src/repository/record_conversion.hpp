#pragma once

/// @file
/// What the files that translate protobuf records share. Includes protobuf: only for .cpp files.

#include "base/error.hpp"
#include "records.pb.h"
#include "repository/directory_record.hpp"
#include "repository/ids.hpp"
#include "repository/record.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace dbbackup {

template <class Tag>
std::string to_record(const Name32<Tag>& name) {
    return {name.bytes.begin(), name.bytes.end()};
}

/// @throws CorruptionError unless `bytes` are 32 bytes.
template <class Name>
Name name_from_record(const std::string& bytes) {
    Name name;
    if (bytes.size() != name.bytes.size()) {
        throw CorruptionError("a record holds a name that is not 32 bytes long");
    }
    std::copy(bytes.begin(), bytes.end(), name.bytes.begin());
    return name;
}

/// @throws CorruptionError unless `bytes` are 32 bytes.
inline Digest digest_from_record(const std::string& bytes) {
    return name_from_record<ChunkId>(bytes).bytes;
}

/// @throws CorruptionError for a number that is no codec of format 1. A codec of a newer program
/// comes with a feature, and this one has refused that.
inline Codec codec_from_record(std::uint32_t number) {
    if (number > static_cast<std::uint32_t>(Codec::zstd_columns)) {
        throw CorruptionError("a record names an unknown codec");
    }
    return static_cast<Codec>(number);
}

/// @throws CorruptionError when `bytes` are not such a message.
template <class Message>
Message parse_record(BytesView bytes) {
    Message message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        throw CorruptionError("a record does not parse");
    }
    return message;
}

/// A record object that is one message. @see encode_record
[[nodiscard]] Bytes encode_message(const Keys& keys, const ObjectName& name, RecordKind kind,
                                   const google::protobuf::MessageLite& message);

/// Serialises deterministically: maps in key order, so that equal content gives equal bytes.
[[nodiscard]] std::string serialize(const google::protobuf::MessageLite& message);

void directory_to_record(const std::vector<PackEntry>& entries, records::PackDirectory& record);
[[nodiscard]] std::vector<PackEntry> directory_from_record(const records::PackDirectory& record);
void index_to_record(const std::vector<IndexedPack>& packs, records::Index& record);
[[nodiscard]] std::vector<IndexedPack> index_from_record(const records::Index& record);

}  // namespace dbbackup
