#include "repository/chunk_list.hpp"

#include "repository/chunk_list_record.hpp"
#include "repository/record_conversion.hpp"

#include <unordered_set>

namespace dbbackup {
namespace {

void visit_once(const ChunkCopyPtr& copy, std::unordered_set<const ChunkCopy*>& seen,
                const std::function<void(const ChunkCopy&)>& visit) {
    if (!seen.insert(copy.get()).second) {
        return;
    }
    for (const ChunkCopyPtr& base : copy->bases) {  // Recursion is at most kDepthMax deep.
        visit_once(base, seen, visit);
    }
    visit(*copy);
}

std::vector<std::shared_ptr<const PackIdentity>> packs_from_record(const records::ChunkList& list) {
    std::vector<std::shared_ptr<const PackIdentity>> packs;
    for (const records::ChunkList::Pack& in : list.packs()) {
        auto pack = std::make_shared<PackIdentity>();
        pack->name = name_from_record<PackName>(in.name());
        pack->salt = digest_from_record(in.salt());
        pack->is_stored = true;
        packs.push_back(std::move(pack));
    }
    return packs;
}

template <class Range>
const typename Range::value_type& at(const Range& range, std::uint32_t place) {
    if (place >= range.size()) {
        throw CorruptionError("a segment list refers to something it does not hold");
    }
    return range[place];
}

}  // namespace

void visit_closure(const ChunkCopyPtr& copy, const std::function<void(const ChunkCopy&)>& visit) {
    std::unordered_set<const ChunkCopy*> seen;
    visit_once(copy, seen, visit);
}

std::size_t closure_size(const StoredSegment& segment) {
    std::size_t count = 0;
    for (const ChunkCopyPtr& chunk : segment.chunks) {
        visit_closure(chunk, [&count](const ChunkCopy&) { ++count; });
    }
    return count;
}

bool is_fully_stored(const std::vector<StoredSegment>& segments) {
    for (const StoredSegment& segment : segments) {
        for (const ChunkCopyPtr& chunk : segment.chunks) {
            if (!is_stored(*chunk)) {
                return false;
            }
        }
    }
    return true;
}

std::uint32_t CopyPlaces::place_of(const ChunkCopyPtr& copy) {
    if (const auto known = copies_.find(copy.get()); known != copies_.end()) {
        return known->second;
    }
    std::vector<std::uint32_t> bases;
    for (const ChunkCopyPtr& base : copy->bases) {
        bases.push_back(place_of(base));
    }
    const auto [pack, is_new] =
        packs_.try_emplace(copy->pack.get(), static_cast<std::uint32_t>(list_.packs_size()));
    if (is_new) {
        records::ChunkList::Pack& out = *list_.add_packs();
        out.set_name(to_record(copy->pack->name));
        out.set_salt(std::string(copy->pack->salt.begin(), copy->pack->salt.end()));
    }
    const auto place = static_cast<std::uint32_t>(list_.copies_size());
    records::ChunkCopy& out = *list_.add_copies();
    out.set_id(to_record(copy->id));
    out.set_pack(pack->second);
    out.set_offset(copy->offset_bytes);
    out.set_sealed_bytes(copy->sealed_bytes);
    out.set_plain_bytes(copy->plain_bytes);
    out.set_ordinal(copy->ordinal);
    out.set_codec(static_cast<std::uint32_t>(copy->codec));
    out.set_depth(copy->depth);
    out.set_generation(copy->generation);
    for (const std::uint32_t base : bases) {
        out.add_bases(base);
    }
    copies_.emplace(copy.get(), place);
    return place;
}

std::vector<ChunkCopyPtr> copies_from_record(const records::ChunkList& list) {
    const auto packs = packs_from_record(list);
    std::vector<ChunkCopyPtr> copies;
    for (const records::ChunkCopy& in : list.copies()) {
        auto copy = std::make_shared<ChunkCopy>();
        copy->id = name_from_record<ChunkId>(in.id());
        copy->pack = at(packs, in.pack());
        copy->offset_bytes = in.offset();
        copy->sealed_bytes = in.sealed_bytes();
        copy->plain_bytes = in.plain_bytes();
        copy->ordinal = in.ordinal();
        copy->codec = codec_from_record(in.codec());
        copy->depth = static_cast<std::uint8_t>(std::min<std::uint32_t>(in.depth(), 255));
        copy->generation = in.generation();
        for (const std::uint32_t base : in.bases()) {
            copy->bases.push_back(at(copies, base));  // Only earlier ones: no cycle is possible.
            if (copy->bases.back()->depth >= copy->depth) {
                throw CorruptionError("a segment list holds a base deeper than its delta");
            }
        }
        if (copy->depth > kDepthMax || copy->plain_bytes > kChunkPlainBytesMax ||
            copy->bases.size() > kBasesMax || (copy->depth == 0) != copy->bases.empty()) {
            throw CorruptionError("a segment list holds an impossible chunk");
        }
        copies.push_back(std::move(copy));
    }
    return copies;
}

void chunk_list_to_record(const std::vector<StoredSegment>& segments, records::ChunkList& list) {
    CopyPlaces places(list);
    for (const StoredSegment& segment : segments) {
        std::vector<std::uint32_t> chunks;
        for (const ChunkCopyPtr& chunk : segment.chunks) {
            chunks.push_back(places.place_of(chunk));
        }
        records::Segment& out = *list.add_segments();
        out.set_first_page(segment.range.first_page);
        out.set_page_count(segment.range.page_count);
        out.set_lower(segment.range.lower);
        out.set_upper(segment.range.upper);
        out.set_bytes(segment.bytes);
        out.set_rows(segment.rows);
        out.set_fingerprint_high(segment.fingerprint.high);
        out.set_fingerprint_low(segment.fingerprint.low);
        out.set_read_sequence(segment.read_sequence);
        out.mutable_chunks()->Add(chunks.begin(), chunks.end());
    }
}

std::vector<StoredSegment> chunk_list_from_record(const records::ChunkList& list) {
    const std::vector<ChunkCopyPtr> copies = copies_from_record(list);
    std::vector<StoredSegment> segments;
    for (const records::Segment& in : list.segments()) {
        StoredSegment segment;
        segment.range = {in.first_page(), in.page_count(), in.lower(), in.upper()};
        segment.bytes = in.bytes();
        segment.rows = in.rows();
        segment.fingerprint = {in.fingerprint_high(), in.fingerprint_low()};
        segment.read_sequence = in.read_sequence();
        std::uint64_t bytes = 0;
        for (const std::uint32_t chunk : in.chunks()) {
            segment.chunks.push_back(at(copies, chunk));
            bytes += segment.chunks.back()->plain_bytes;
        }
        if (bytes != segment.bytes) {
            throw CorruptionError("a segment's chunks do not add up to its size");
        }
        segments.push_back(std::move(segment));
    }
    return segments;
}

std::string encode_chunk_list(const std::vector<StoredSegment>& segments) {
    records::ChunkList list;
    chunk_list_to_record(segments, list);
    return serialize(list);
}

std::vector<StoredSegment> decode_chunk_list(BytesView record) {
    return chunk_list_from_record(parse_record<records::ChunkList>(record));
}

}  // namespace dbbackup
