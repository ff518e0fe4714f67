#include "engine/page_changes.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace dbbackup {

PageChanges::PageChanges(std::uint32_t page_bytes) : page_bytes_(page_bytes) {}

void PageChanges::pages(std::uint64_t first, BytesView bytes) {
    if (bytes.size() % page_bytes_ != 0) {
        throw Error("the connector gave a part of a page");
    }
    for (; !bytes.empty(); bytes = bytes.subspan(page_bytes_)) {
        const BytesView page = bytes.first(page_bytes_);
        pages_.insert_or_assign(first++, Bytes(page.begin(), page.end()));
    }
}

void PageChanges::rows(BytesView, std::span<const std::uint32_t>) {
    throw Error("the connector planned a patch and gave rows");
}

void PageChanges::opaque(BytesView) {
    throw Error("the connector planned a patch and gave bytes without pages");
}

bool PageChanges::touch(std::uint64_t first, std::uint64_t count) const {
    const auto page = pages_.lower_bound(first);
    return page != pages_.end() && page->first < first + count;
}

bool PageChanges::lie_within(std::uint64_t first, std::uint64_t count) const {
    return pages_.empty() ||
           (pages_.begin()->first >= first && pages_.rbegin()->first < first + count);
}

Fingerprint PageChanges::apply(std::uint64_t first, Bytes& content,
                               const Fingerprinter& fingerprinter) const {
    Fingerprint change;
    const std::uint64_t end = first + content.size() / page_bytes_;
    for (auto page = pages_.lower_bound(first); page != pages_.end() && page->first < end; ++page) {
        const std::span target(content.data() + (page->first - first) * page_bytes_, page_bytes_);
        change -= fingerprinter.of(target, page->first);
        change += fingerprinter.of(page->second, page->first);
        std::copy(page->second.begin(), page->second.end(), target.begin());
    }
    return change;
}

}  // namespace dbbackup
