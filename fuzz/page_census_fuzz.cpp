// uses: base crypto config connector connector_sqlite

/// @file
/// Any bytes as the pages of a stored database: their b-trees are counted, or what is wrong is
/// said.
///
/// Input: one byte that picks the size of a page, then the pages. The first four are roots.

#include "base/error.hpp"
#include "connector/sqlite/page_census.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dbbackup {
namespace {

class Image final : public StreamReader {
public:
    Image(BytesView content, std::uint32_t page_bytes) : content_(content) {
        stream_.kind = StreamKind::pages;
        stream_.page_bytes = page_bytes;
        stream_.size_bytes = content.size();
    }
    [[nodiscard]] const StoredStream& stream() const override { return stream_; }
    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token) override {
        if (offset > content_.size() || out.size() > content_.size() - offset) {
            std::abort();  // The census asks for nothing that is not there.
        }
        std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(),
                    out.begin());
    }
    void read_all(const std::function<void(std::uint64_t, BytesView)>& visit,
                  std::stop_token) override {
        visit(0, content_);
    }

private:
    BytesView content_;
    StoredStream stream_;
};

void count(std::uint8_t what, BytesView content) {
    const std::uint32_t page_bytes = 512U << (what % 8U);
    Image image(content.first(content.size() / page_bytes * page_bytes), page_bytes);
    const std::array<std::uint32_t, 4> roots = {1, 2, 3, 4};
    for (const sqlite::TreeCount& each : sqlite::count_pages(image, roots, {})) {
        if (!each.untold && each.pages > content.size() / page_bytes) {
            std::abort();
        }
    }
}

}  // namespace
}  // namespace dbbackup

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 513) {
        return 0;
    }
    try {
        dbbackup::count(data[0], {data + 1, size - 1});
    } catch (const dbbackup::SourceError&) {
        // A clear refusal is a good answer.
    }
    return 0;
}
