#include "repository/directory_record.hpp"

#include "repository/record_conversion.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace dbbackup {

Bytes encode_message(const Keys& keys, const ObjectName& name, RecordKind kind,
                     const google::protobuf::MessageLite& message) {
    const std::string section = serialize(message);
    return encode_record(keys, name, kind, std::span(&section, 1));
}

std::string serialize(const google::protobuf::MessageLite& message) {
    std::string text;
    {
        google::protobuf::io::StringOutputStream stream(&text);
        google::protobuf::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        message.SerializeToCodedStream(&coded);
    }
    return text;
}

void directory_to_record(const std::vector<PackEntry>& entries, records::PackDirectory& record) {
    for (const PackEntry& entry : entries) {
        records::DirectoryEntry& out = *record.add_entries();
        out.set_id(to_record(entry.form.id));
        out.set_sealed_bytes(entry.sealed_bytes);
        out.set_plain_bytes(entry.form.plain_bytes);
        out.set_codec(static_cast<std::uint32_t>(entry.form.codec));
        for (const ChunkId& base : entry.form.base_ids) {
            out.add_base_ids(to_record(base));
        }
        out.set_depth(entry.form.depth);
        out.set_generation(entry.form.generation);
    }
}

std::vector<PackEntry> directory_from_record(const records::PackDirectory& record) {
    std::vector<PackEntry> entries;
    entries.reserve(static_cast<std::size_t>(record.entries_size()));
    std::uint64_t offset = kPackHeaderBytes;
    for (const records::DirectoryEntry& in : record.entries()) {
        PackEntry entry;
        entry.form.id = name_from_record<ChunkId>(in.id());
        entry.form.plain_bytes = in.plain_bytes();
        entry.form.codec = codec_from_record(in.codec());
        for (const std::string& base : in.base_ids()) {
            entry.form.base_ids.push_back(name_from_record<ChunkId>(base));
        }
        if (in.plain_bytes() > kChunkPlainBytesMax || entry.form.base_ids.size() > kBasesMax ||
            in.depth() > kDepthMax || (in.depth() == 0) != entry.form.base_ids.empty()) {
            throw CorruptionError("a pack directory holds an impossible entry");
        }
        entry.form.depth = static_cast<std::uint8_t>(in.depth());
        entry.form.generation = in.generation();
        entry.offset_bytes = offset;
        entry.sealed_bytes = in.sealed_bytes();
        entry.ordinal = static_cast<std::uint32_t>(entries.size());
        offset += in.sealed_bytes();
        entries.push_back(std::move(entry));
    }
    return entries;
}

void index_to_record(const std::vector<IndexedPack>& packs, records::Index& record) {
    for (const IndexedPack& pack : packs) {
        records::Index::Pack& out = *record.add_packs();
        out.set_name(to_record(pack.name));
        out.set_salt(std::string(pack.salt.begin(), pack.salt.end()));
        out.set_bytes(pack.bytes);
        directory_to_record(pack.entries, *out.mutable_directory());
    }
}

std::vector<IndexedPack> index_from_record(const records::Index& record) {
    std::vector<IndexedPack> packs;
    for (const records::Index::Pack& in : record.packs()) {
        packs.push_back({name_from_record<PackName>(in.name()), digest_from_record(in.salt()),
                         in.bytes(), directory_from_record(in.directory())});
    }
    return packs;
}

std::string encode_directory(const std::vector<PackEntry>& entries) {
    records::PackDirectory record;
    directory_to_record(entries, record);
    return serialize(record);
}

std::vector<PackEntry> decode_directory(BytesView record) {
    return directory_from_record(parse_record<records::PackDirectory>(record));
}

std::string encode_index(const std::vector<IndexedPack>& packs) {
    records::Index record;
    index_to_record(packs, record);
    return serialize(record);
}

std::vector<IndexedPack> decode_index(BytesView record) {
    return index_from_record(parse_record<records::Index>(record));
}

}  // namespace dbbackup
