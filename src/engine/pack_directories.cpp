#include "engine/pack_directories.hpp"

#include "base/error.hpp"

namespace dbbackup {

PackDirectories::PackDirectories(ScratchSpace& scratch)
    : names_(scratch), packs_(scratch), chunks_(scratch), bases_(scratch), index_packs_(scratch) {}

std::uint32_t PackDirectories::add(const IndexedPack& pack) {
    if (chunks_.size() + pack.entries.size() >= kNone) {
        throw Error("the repository holds more chunks than can be numbered");
    }
    const std::uint32_t number = names_.add(pack.name);
    if (number < packs_.size()) {
        return number;
    }
    Pack record;
    record.salt = pack.salt;
    record.bytes = pack.bytes;
    record.first_chunk = static_cast<std::uint32_t>(chunks_.size());
    record.chunk_count = static_cast<std::uint32_t>(pack.entries.size());
    for (const PackEntry& entry : pack.entries) {
        const ChunkForm& form = entry.form;
        chunks_.push_back({form.id, entry.offset_bytes, bases_.size(), entry.sealed_bytes,
                           form.plain_bytes, form.generation, form.codec, form.depth,
                           static_cast<std::uint8_t>(form.base_ids.size())});
        bases_.append(form.base_ids);
        record.chunk_bytes += entry.sealed_bytes;
    }
    packs_.push_back(record);
    return number;
}

KnownIndex PackDirectories::add(const IndexObject& index) {
    KnownIndex known{index.name.text(), index_packs_.size(),
                     static_cast<std::uint32_t>(index.packs.size()), entry_count(index.packs)};
    for (const IndexedPack& pack : index.packs) {
        index_packs_.push_back(add(pack));
    }
    return known;
}

PackEntry PackDirectories::entry(std::uint32_t pack, std::uint32_t place) const {
    const ChunkRecord& chunk = chunks_[place];
    const std::span<const ChunkId> bases = this->bases(chunk);
    return {{chunk.id,
             chunk.plain_bytes,
             chunk.codec,
             chunk.depth,
             chunk.generation,
             {bases.begin(), bases.end()}},
            chunk.offset_bytes,
            chunk.sealed_bytes,
            place - first_chunk(pack)};
}

IndexedPack PackDirectories::indexed(std::uint32_t pack) const {
    const Pack& record = packs_[pack];
    IndexedPack indexed{names_[pack], record.salt, record.bytes, {}};
    indexed.entries.reserve(record.chunk_count);
    for (std::uint32_t place = 0; place < record.chunk_count; ++place) {
        indexed.entries.push_back(entry(pack, record.first_chunk + place));
    }
    return indexed;
}

}  // namespace dbbackup
