#include "repository/chunk_reader.hpp"

#include "base/error.hpp"
#include "base/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace dbbackup {
namespace {

constexpr std::size_t kPackKeysMax = 4096;
/// Each try is of another pack.
constexpr std::size_t kDamagedPacksMax = 8;
/// What is kept on this machine of one repository's packs, and the largest piece of it.
constexpr std::uint64_t kKeptBytesMax = 16_MiB;
constexpr std::uint64_t kKeptPieceBytesMax = 1_MiB;

ChunkForm form_of(const ChunkCopy& copy) {
    ChunkForm form{copy.id, copy.plain_bytes, copy.codec, copy.depth, copy.generation, {}};
    for (const ChunkCopyPtr& base : copy.bases) {
        form.base_ids.push_back(base->id);
    }
    return form;
}

std::string name_of_kept(const ChunkCopy& copy) {
    return fmt::format("{}@{}", pack_object_name(copy.pack->name).text(), copy.offset_bytes);
}

[[noreturn]] void damaged(const ChunkCopy& copy, std::string_view why) {
    throw PackDamaged(copy, why);
}

}  // namespace

ChunkReader::ChunkReader(Storage& storage, const Keys& keys) : keys_(keys), windows_(storage) {}

PackMissing::PackMissing(const PackName& pack)
    : CorruptionError(fmt::format("{} is missing", pack_object_name(pack).text())), pack_(pack) {
    set_hint(
        "Run 'db-backup verify' to see which snapshots are affected; a copy of the object "
        "from elsewhere can be put back under its name.");
}

PackDamaged::PackDamaged(const ChunkCopy& copy, std::string_view why)
    : CorruptionError(fmt::format("{} is damaged: chunk {} {}",
                                  pack_object_name(copy.pack->name).text(), copy.ordinal, why)),
      pack_(copy.pack->name) {
    set_hint("Run 'db-backup verify --data' to see which snapshots are affected.");
}

ChunkReader::ChunkReader(Repository& repository, Elsewhere elsewhere)
    : keys_(repository.keys()),
      others_(std::make_unique<OtherCopies>(repository, elsewhere)),
      windows_(repository.storage()) {
    if (reads_ahead() && repository.list_cache_file()) {
        kept_ = std::make_unique<Guarded<Kept>>(Kept{SealedCache(repository.list_cache_file())});
    }
}

ChunkReader::~ChunkReader() {
    if (kept_) {
        kept_->with([](Kept& kept) { kept.cache.save(kept.asked_for); });
    }
}

Bytes ChunkReader::read_kept(const ChunkCopy& copy, std::stop_token stop) {
    if (!kept_) {
        return read(copy, std::move(stop));
    }
    visit_closure(copy, [this](const ChunkCopy& part) {
        kept_->with([&](Kept& kept) {
            ++kept.asked_for;
            const BytesView sealed = kept.cache.find(name_of_kept(part));
            if (!sealed.empty() && is_sealed_there(part, sealed)) {
                windows_.give(part.pack->name, part.offset_bytes, sealed);
            }
        });
    });
    Bytes plain = read(copy, std::move(stop));
    visit_closure(copy, [this](const ChunkCopy& part) {
        const std::optional<Bytes> sealed =
            windows_.find_read(part.pack->name, {part.offset_bytes, part.sealed_bytes});
        kept_->with([&](Kept& kept) {
            if (sealed && sealed->size() <= kKeptPieceBytesMax &&
                kept.cache.bytes() + sealed->size() <= kKeptBytesMax &&
                !std::ranges::equal(kept.cache.find(name_of_kept(part)), *sealed)) {
                kept.cache.add(name_of_kept(part), *sealed);
            }
        });
    });
    return plain;
}

bool ChunkReader::is_sealed_there(const ChunkCopy& copy, BytesView sealed) {
    try {
        static_cast<void>(unseal_chunk(keys_, *key_of(*copy.pack), form_of(copy), copy.ordinal,
                                       Bytes(sealed.begin(), sealed.end())));
        return true;
    } catch (const CorruptionError&) {
        return false;
    }
}

void ChunkReader::visit_closure(const ChunkCopy& copy,
                                const std::function<void(const ChunkCopy&)>& visit) {
    for (const ChunkCopyPtr& base : copy.bases) {
        visit_closure(*base, visit);
    }
    // One of this run has no name before its pack is stored.
    if (is_stored(copy)) {
        visit(copy);
    }
}

Bytes ChunkReader::read(const ChunkCopy& copy, std::stop_token stop, Proof proof) {
    ChunkCopyPtr other;
    if (const std::optional<PackName> missing = known_missing(copy)) {
        other = others_->find(copy.id, *missing, 0, stop);
    }
    for (unsigned look = other ? 1 : 0;; ++look) {
        try {
            return read_here(other ? *other : copy, stop, proof);
        } catch (const PackMissing& missing) {
            missing_.with([&missing](auto& known) { known.insert(missing.pack()); });
            other = others_ ? others_->find(copy.id, missing.pack(), look, stop) : nullptr;
            if (!other) {
                throw;
            }
        } catch (const PackDamaged& damage) {
            if (std::optional<Bytes> plain = read_elsewhere(copy, damage.pack(), stop)) {
                return std::move(*plain);
            }
            throw;
        }
    }
}

std::optional<Bytes> ChunkReader::read_elsewhere(const ChunkCopy& copy, const PackName& pack,
                                                 std::stop_token stop) {
    std::set<PackName> bad = {pack};
    while (others_ && bad.size() <= kDamagedPacksMax) {
        const ChunkCopyPtr other = others_->find_apart_from(bad, copy.id, stop);
        if (!other) {
            break;
        }
        try {
            return read_here(*other, stop, Proof::chunk_id);
        } catch (const PackDamaged& damage) {
            bad.insert(damage.pack());
        } catch (const PackMissing& missing) {
            bad.insert(missing.pack());
        }
    }
    return std::nullopt;
}

std::optional<PackName> ChunkReader::known_missing(const ChunkCopy& copy) {
    return missing_.with([&](const std::set<PackName>& known) -> std::optional<PackName> {
        if (!others_ || known.empty()) {
            return std::nullopt;
        }
        // Of several bases only the first is looked at: the others only cost a request.
        const ChunkCopy* part = &copy;
        while (!known.contains(part->pack->name)) {
            if (part->bases.empty()) {
                return std::nullopt;
            }
            part = part->bases.front().get();
        }
        return part->pack->name;
    });
}

void ChunkReader::expect(std::span<const ChunkCopyPtr> copies) {
    if (!reads_ahead()) {
        return;
    }
    std::vector<PackPiece> pieces;
    for (const ChunkCopyPtr& copy : copies) {
        visit_closure(*copy, [&](const ChunkCopy& part) {
            if (!is_kept(part)) {
                pieces.push_back({part.pack->name, {part.offset_bytes, part.sealed_bytes}});
            }
        });
    }
    windows_.expect(pieces);
}

bool ChunkReader::is_kept(const ChunkCopy& copy) {
    return kept_ &&
           kept_->with([&](Kept& kept) { return !kept.cache.find(name_of_kept(copy)).empty(); });
}

Bytes ChunkReader::read_here(const ChunkCopy& copy, std::stop_token stop, Proof proof) {
    Bytes plain = decode(copy, stop);
    if (proof == Proof::chunk_id && keys_.chunk_id(plain) != copy.id) {
        damaged(copy, "does not decode to the bytes it was made from");
    }
    return plain;
}

Bytes ChunkReader::decode(const ChunkCopy& copy, std::stop_token stop) {
    // A chain of deltas with one base each is applied in one buffer, oldest first.
    std::vector<const ChunkCopy*> chain;
    const ChunkCopy* oldest = &copy;
    for (; oldest->bases.size() == 1; oldest = oldest->bases.front().get()) {
        chain.push_back(oldest);
    }
    Bytes plain = decode_oldest(*oldest, stop);
    for (const ChunkCopy* delta : chain | std::views::reverse) {
        decompress(*delta, stop, [&](Compressor& compressor, BytesView packed) {
            compressor.decompress_over(packed, plain, delta->plain_bytes);
        });
    }
    return plain;
}

Bytes ChunkReader::decode_oldest(const ChunkCopy& copy, std::stop_token stop) {
    std::vector<Bytes> bases;
    for (const ChunkCopyPtr& base : copy.bases) {
        bases.push_back(decode(*base, stop));
    }
    const std::vector<BytesView> views(bases.begin(), bases.end());
    Bytes plain;
    decompress(copy, stop, [&](Compressor& compressor, BytesView packed) {
        plain = compressor.decompress(packed, views, copy.plain_bytes);
    });
    return plain;
}

void ChunkReader::decompress(const ChunkCopy& copy, std::stop_token stop,
                             const std::function<void(Compressor&, BytesView)>& apply) {
    const Bytes packed = read_packed(copy, std::move(stop));
    std::unique_ptr<Compressor> compressor = borrow(copy.codec);
    try {
        apply(*compressor, packed);
    } catch (const CorruptionError&) {
        damaged(copy, "does not decompress");
    }
    idle_.with([&](auto& idle) { idle.emplace(copy.codec, std::move(compressor)); });
}

Bytes ChunkReader::read_packed(const ChunkCopy& copy, std::stop_token stop) {
    Bytes sealed = fetch(copy, std::move(stop));
    try {
        return unseal_chunk(keys_, *key_of(*copy.pack), form_of(copy), copy.ordinal,
                            std::move(sealed));
    } catch (const CorruptionError&) {
        windows_.forget(copy.pack->name);
        damaged(copy, "is not what was sealed there");
    }
}

Bytes ChunkReader::fetch(const ChunkCopy& copy, std::stop_token stop) {
    std::optional<Bytes> sealed =
        windows_.read(copy.pack->name, {copy.offset_bytes, copy.sealed_bytes}, std::move(stop));
    if (!sealed) {
        throw PackMissing(copy.pack->name);
    }
    if (sealed->size() != copy.sealed_bytes) {
        windows_.forget(copy.pack->name);
        damaged(copy, "is cut off: the object is too short");
    }
    return std::move(*sealed);
}

std::shared_ptr<const PackKey> ChunkReader::key_of(const PackIdentity& pack) {
    auto key = pack_keys_.with([&pack](const auto& known) {
        const auto found = known.find(pack.salt);
        return found != known.end() ? found->second : nullptr;
    });
    if (!key) {
        key = std::make_shared<const PackKey>(keys_, pack.salt);
        pack_keys_.with([&](auto& known) {
            if (known.size() >= kPackKeysMax) {
                known.clear();
            }
            known.emplace(pack.salt, key);
        });
    }
    return key;
}

std::unique_ptr<Compressor> ChunkReader::borrow(Codec codec) {
    std::unique_ptr<Compressor> compressor = idle_.with([codec](auto& idle) {
        const auto found = idle.find(codec);
        if (found == idle.end()) {
            return std::unique_ptr<Compressor>();
        }
        std::unique_ptr<Compressor> taken = std::move(found->second);
        idle.erase(found);
        return taken;
    });
    return compressor ? std::move(compressor) : make_compressor(codec, 0);
}

}  // namespace dbbackup
