#include "connector/sqlite/verification.hpp"

#include "base/error.hpp"
#include "connector/sqlite/spool.hpp"

#include <algorithm>
#include <array>

namespace dbbackup::sqlite {
namespace {

struct FieldRange {
    std::size_t begin;
    std::size_t end;
};
constexpr std::array<FieldRange, 5> kRewrittenFields = {
    {{18, 20}, {24, 28}, {28, 32}, {40, 44}, {92, 100}}};

bool is_rewritten(std::size_t offset) {
    return std::any_of(kRewrittenFields.begin(), kRewrittenFields.end(), [&](FieldRange field) {
        return offset >= field.begin && offset < field.end;
    });
}

}  // namespace

bool has_pages_of(View& view, const StoredStream& stream, BytesView first_page,
                  const Fingerprinter& fingerprinter, std::stop_token stop) {
    if (stream.size_bytes == 0) {
        return view.page_count() <= 1;  // SQLite writes a first page where there was none.
    }
    if (view.size_bytes() != stream.size_bytes || view.page_bytes() != stream.page_bytes) {
        return false;
    }
    Fingerprint sum;
    Bytes block;
    for (std::uint64_t offset = 0; offset < stream.size_bytes; offset += kBlockBytes) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        block.resize(std::min(kBlockBytes, stream.size_bytes - offset));
        view.read_pages(offset / stream.page_bytes, block);
        if (offset == 0) {
            const auto first = std::span(block).first(stream.page_bytes);
            if (!is_same_first_page(first_page, first)) {
                return false;
            }
            std::copy(first_page.begin(), first_page.end(), first.begin());
        }
        sum += fingerprinter.of_pages(block, stream.page_bytes, offset / stream.page_bytes);
    }
    view.check_held();
    return sum == stream.fingerprint;
}

bool is_same_first_page(BytesView stored, BytesView restored) {
    if (stored.size() != restored.size()) {
        return false;
    }
    for (std::size_t offset = 0; offset < stored.size(); ++offset) {
        if (stored[offset] != restored[offset] && !is_rewritten(offset)) {
            return false;
        }
    }
    return true;
}

}  // namespace dbbackup::sqlite
