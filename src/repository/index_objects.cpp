#include "repository/index_objects.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "repository/keys.hpp"
#include "repository/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kIndexIdBytes = 16;
/// Enough for most directories, and little beside the request.
constexpr std::uint64_t kDirectoryGuessBytes = 128_KiB;

}  // namespace

std::size_t entry_count(const std::vector<IndexedPack>& packs) {
    std::size_t count = 0;
    for (const IndexedPack& pack : packs) {
        count += pack.entries.size();
    }
    return count;
}

ObjectName index_object_name() {
    return ObjectName("indexes/" + to_hex(random_bytes(kIndexIdBytes)));
}

Bytes encode_index_object(Repository& repository, const ObjectName& name,
                          const std::vector<IndexedPack>& packs) {
    const std::string section = encode_index(packs);
    return encode_record(repository.keys(), name, RecordKind::index, std::span(&section, 1));
}

std::unique_ptr<IndexObject> read_index_object(Repository& repository, const ObjectName& name,
                                               std::stop_token stop) {
    const std::optional<Bytes> object = repository.storage().get(name, std::move(stop));
    if (!object) {
        return nullptr;
    }
    const Record record = decode_record(repository.keys(), name, *object, {RecordKind::index});
    auto index = std::make_unique<IndexObject>();
    index->name = name;
    for (const Bytes& section : record.sections) {
        for (IndexedPack& pack : decode_index(section)) {
            index->packs.push_back(std::move(pack));
        }
    }
    return index;
}

std::unique_ptr<IndexedPack> fetch_pack_directory(Repository& repository, const PackName& pack,
                                                  std::uint64_t bytes, std::stop_token stop) {
    const ObjectName name = pack_object_name(pack);
    Storage& storage = repository.storage();
    const std::optional<Bytes> beginning = storage.get_range(name, {0, kPackHeaderBytes}, stop);
    for (const std::uint64_t wanted : {std::min(bytes, kDirectoryGuessBytes), bytes}) {
        const std::optional<Bytes> end = storage.get_range(name, {bytes - wanted, wanted}, stop);
        if (!beginning || !end) {
            return nullptr;
        }
        if (auto entries = read_pack_directory(repository.keys(), pack, *beginning, *end, bytes)) {
            return std::make_unique<IndexedPack>(
                IndexedPack{pack, read_pack_salt(repository.keys(), pack, *beginning), bytes,
                            std::move(*entries)});
        }
    }
    throw CorruptionError(fmt::format("{} has no directory", name.text()));
}

IndexObjectWriter::IndexObjectWriter(Repository& repository, std::stop_token stop)
    : repository_(repository), stop_(std::move(stop)) {}

void IndexObjectWriter::add(const IndexedPack& pack) {
    if (entries_ + pack.entries.size() > kIndexEntriesMax) {
        finish();
    }
    next_.push_back(pack);
    entries_ += pack.entries.size();
}

void IndexObjectWriter::finish() {
    if (next_.empty()) {
        return;
    }
    const ObjectName name = index_object_name();
    repository_.storage().put(name, encode_index_object(repository_, name, next_), stop_);
    next_.clear();
    entries_ = 0;
}

}  // namespace dbbackup
