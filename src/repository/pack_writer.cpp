#include "repository/pack_writer.hpp"

#include "repository/index_objects.hpp"
#include "repository/keys.hpp"

#include <utility>

namespace dbbackup {
namespace {

constexpr unsigned kUploadThreads = 2;

}  // namespace

PackWriter::PackWriter(Repository& repository, std::stop_token stop)
    : repository_(repository),
      stop_(std::move(stop)),
      uploader_(std::make_unique<Uploader>(
          repository.storage(), kUploadThreads,
          [this](const IndexedPack& pack) {
              stored_.with([&pack](auto& stored) { stored.push_back(pack); });
          },
          stop_)) {}

PackWriter::~PackWriter() = default;

void PackWriter::add(const ChunkForm& form, BytesView packed) {
    if (builder_ && !builder_->has_room(form, packed.size())) {
        submit();
    }
    if (!builder_) {
        builder_ = std::make_unique<PackBuilder>(repository_.keys());
    }
    builder_->add(form, packed);
}

void PackWriter::submit() {
    auto identity = std::make_shared<PackIdentity>();
    identity->salt = builder_->salt();
    std::vector<PackEntry> entries = builder_->entries();
    Bytes content = builder_->finish();
    builder_.reset();
    uploader_->submit(std::move(content), std::move(entries), std::move(identity));
}

void PackWriter::flush() {
    if (builder_) {
        submit();
    }
    uploader_->wait();
}

const std::vector<IndexedPack>& PackWriter::close() {
    uploader_.reset();
    closed_ = stored_.with([](auto& stored) { return std::exchange(stored, {}); });
    std::vector<IndexedPack> next;
    const auto put = [&] {
        const ObjectName name = index_object_name();
        repository_.storage().put(name, encode_index_object(repository_, name, next), stop_);
        next.clear();
    };
    for (const IndexedPack& pack : closed_) {
        if (!next.empty() && entry_count(next) + pack.entries.size() > kIndexEntriesMax) {
            put();
        }
        next.push_back(pack);
    }
    if (!next.empty()) {
        put();
    }
    return closed_;
}

std::uint64_t PackWriter::bytes_stored() const {
    const auto sum = [](const std::vector<IndexedPack>& packs) {
        std::uint64_t bytes = 0;
        for (const IndexedPack& pack : packs) {
            bytes += pack.bytes;
        }
        return bytes;
    };
    return sum(closed_) + stored_.with(sum);
}

}  // namespace dbbackup
