#include "repository/pack_writer.hpp"

#include "repository/keys.hpp"

#include <utility>

namespace dbbackup {
namespace {

constexpr unsigned kUploadThreads = 2;

}  // namespace

PackWriter::PackWriter(Repository& repository, std::stop_token stop)
    : repository_(repository),
      stop_(std::move(stop)),
      indexes_(repository, stop_),
      uploader_(std::make_unique<Uploader>(
          repository.storage(), kUploadThreads,
          [this](const IndexedPack& pack) {
              bytes_stored_ += pack.bytes;
              stored_.with([&pack](auto& stored) { stored.push_back(pack); });
          },
          stop_)) {}

PackWriter::~PackWriter() = default;

void PackWriter::add(const ChunkForm& form, BytesView packed) {
    repository_.announce(form.codec, stop_);
    if (builder_ && !builder_->has_room(form, packed.size())) {
        submit();
    }
    if (!builder_) {
        builder_ = std::make_unique<PackBuilder>(repository_.keys());
    }
    builder_->add(form, packed);
}

void PackWriter::submit() {
    name_stored();
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

/// As soon as an index is full, so that no more than that is kept in memory.
void PackWriter::name_stored() {
    for (IndexedPack& pack : stored_.with([](auto& stored) { return std::exchange(stored, {}); })) {
        unnamed_.push_back(std::move(pack));
    }
    while (!unnamed_.empty()) {
        indexes_.add(unnamed_.front());
        packs_.push_back(unnamed_.front().name);
        unnamed_.pop_front();
    }
}

std::vector<PackName> PackWriter::close() {
    uploader_.reset();
    name_stored();
    indexes_.finish();
    return packs_;
}

}  // namespace dbbackup
