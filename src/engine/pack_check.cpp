#include "engine/pack_check.hpp"

#include "base/error.hpp"
#include "pipeline/ordered_workers.hpp"
#include "repository/pack.hpp"
#include "storage/access_denied.hpp"

#include <fmt/format.h>

#include <cstring>

namespace dbbackup {
namespace {

/// Never 0. Ids are keyed hashes, so their first bytes are as good as any hash of them.
std::uint64_t sum_of(const ChunkId& id, std::uint64_t offset_bytes, std::uint32_t sealed_bytes) {
    std::uint64_t sum = 0;
    std::memcpy(&sum, id.bytes.data(), sizeof sum);
    sum ^= offset_bytes << 32U ^ sealed_bytes;
    return sum == 0 ? 1 : sum;
}

}  // namespace

PackCheck::PackCheck(Repository& repository, const std::map<PackName, std::uint64_t>& sizes,
                     Findings& findings)
    : repository_(repository), sizes_(sizes), findings_(findings) {}

void PackCheck::read_all(unsigned jobs, Progress& progress, std::stop_token stop) {
    std::uint64_t total = 0;
    for (const auto& [pack, bytes] : sizes_) {
        total += bytes;
    }
    progress.bytes_total = total;
    struct Done {
        PackName pack;
        std::uint64_t bytes;
        Read read;
    };
    OrderedWorkers<PackName, Done> workers(
        jobs, kPackBytesMax * jobs,
        [&](const PackName& pack, unsigned) {
            return Done{pack, sizes_.at(pack), read(pack, stop)};
        },
        [&](Done done) {
            progress.bytes_done += done.bytes;
            reads_.emplace(done.pack, std::move(done.read));
        },
        stop);
    for (const auto& [pack, bytes] : sizes_) {
        workers.push(pack, bytes);
    }
    workers.finish();
}

PackCheck::Read PackCheck::read(const PackName& pack, std::stop_token stop) {
    const std::string object = pack_object_name(pack).text();
    Read result;
    std::optional<Bytes> content;
    try {
        content = repository_.storage().get(pack_object_name(pack), std::move(stop));
    } catch (const StorageError& error) {
        findings_.add(object, damage_of(error).what());
        return result;
    }
    if (!content) {
        return result;  // Collected since it was listed; whoever needs it is told by `problem_of`.
    }
    bool is_trusted = true;
    if (sha256(*content) != pack.bytes) {
        findings_.add(object, "its content does not match its name");
        is_trusted = false;
    }
    try {
        check_chunks(pack, *content, result);
    } catch (const CorruptionError& error) {
        findings_.add(object, error.what());
        is_trusted = false;
    }
    if (!is_trusted) {
        // What was proven may be the chunks of another pack. Copies are read by their location, so
        // each is tried by itself.
        result.proven.clear();
    }
    return result;
}

void PackCheck::check_chunks(const PackName& pack, BytesView content, Read& result) {
    const Keys& keys = repository_.keys();
    const PackKey key(keys, read_pack_salt(keys, pack, content));
    const std::vector<PackEntry> entries = read_pack_directory(keys, pack, content);
    result.proven.assign(entries.size(), 0);
    std::map<Codec, std::unique_ptr<Compressor>> compressors;
    for (const PackEntry& entry : entries) {
        try {
            const Bytes packed =
                unseal_chunk(keys, key, entry.form, entry.ordinal,
                             copy_of(content.subspan(entry.offset_bytes, entry.sealed_bytes)));
            if (!entry.form.base_ids.empty()) {
                continue;  // Decoded where a snapshot needs it, with its bases.
            }
            std::unique_ptr<Compressor>& compressor = compressors[entry.form.codec];
            if (!compressor) {
                compressor = make_compressor(entry.form.codec, 0);
            }
            const Bytes plain = compressor->decompress(packed, {}, entry.form.plain_bytes);
            if (keys.chunk_id(plain) != entry.form.id) {
                throw CorruptionError("it does not decode to what it was made from");
            }
            result.proven[entry.ordinal] =
                sum_of(entry.form.id, entry.offset_bytes, entry.sealed_bytes);
        } catch (const CorruptionError& error) {
            findings_.add(pack_object_name(pack).text(),
                          fmt::format("chunk {}: {}", entry.ordinal, error.what()));
            result.damaged.insert(entry.ordinal);
        }
    }
}

std::optional<std::string> PackCheck::problem_of(const ChunkCopy& copy) const {
    const auto size = sizes_.find(copy.pack->name);
    if (size == sizes_.end()) {
        return "missing";
    }
    if (copy.offset_bytes + copy.sealed_bytes > size->second) {
        return fmt::format("too short: {} bytes", size->second);
    }
    const auto read = reads_.find(copy.pack->name);
    if (read != reads_.end() && read->second.damaged.contains(copy.ordinal)) {
        return fmt::format("chunk {} is damaged", copy.ordinal);
    }
    return std::nullopt;
}

bool PackCheck::is_proven(const ChunkCopy& copy) const {
    const auto read = reads_.find(copy.pack->name);
    if (read == reads_.end()) {
        return false;
    }
    // The list that a restore follows must speak of the very bytes that were decoded here.
    const std::vector<std::uint64_t>& proven = read->second.proven;
    return copy.ordinal < proven.size() &&
           proven[copy.ordinal] == sum_of(copy.id, copy.offset_bytes, copy.sealed_bytes);
}

}  // namespace dbbackup
