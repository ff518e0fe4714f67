#include "connector/contents.hpp"

namespace dbbackup {

std::optional<std::uint64_t> StoredTable::index_bytes() const {
    std::uint64_t sum = 0;
    for (const IndexSize& index : indexes) {
        if (!index.bytes) {
            return std::nullopt;
        }
        sum += *index.bytes;
    }
    return sum;
}

std::optional<std::uint64_t> StoredTable::total_bytes() const {
    const std::optional<std::uint64_t> of_indexes = index_bytes();
    return bytes && of_indexes ? std::optional(*bytes + *of_indexes) : std::nullopt;
}

}  // namespace dbbackup
