#pragma once

/// @file
/// The changed pages of one segment (`SegmentAction::patch`), to be laid over the parent's.

#include "connector/connector.hpp"
#include "crypto/fingerprint.hpp"

#include <cstdint>
#include <map>

namespace dbbackup {

/// Collects pages; memory is that of the changed pages of one segment. Not thread-safe.
class PageChanges final : public SegmentSink {
public:
    explicit PageChanges(std::uint32_t page_bytes);

    void pages(std::uint64_t first, BytesView bytes) override;
    /// @throws Error: only pages can be patched.
    void rows(BytesView bytes, std::span<const std::uint32_t> row_ends) override;
    void opaque(BytesView bytes) override;

    /// Whether one of the pages [first, first + count) changed.
    [[nodiscard]] bool touch(std::uint64_t first, std::uint64_t count) const;

    /// Whether all of them lie in [first, first + count).
    [[nodiscard]] bool lie_within(std::uint64_t first, std::uint64_t count) const;

    /// Writes the changes over `content`, whose first page is `first`. Returns what they change
    /// the fingerprint by.
    [[nodiscard]] Fingerprint apply(std::uint64_t first, Bytes& content,
                                    const Fingerprinter& fingerprinter) const;

private:
    std::uint32_t page_bytes_;
    std::map<std::uint64_t, Bytes> pages_;
};

}  // namespace dbbackup
