#pragma once

/// @file
/// What of a snapshot cannot be had, where a restore goes on without it (`restore --partial`).

#include "base/guarded.hpp"
#include "connector/connector.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace dbbackup {

/// Consecutive pages of one stream.
struct LostRange {
    std::string stream;
    std::uint64_t first_page = 0;
    std::uint64_t page_count = 0;
    /// Zeros stand in their place. False: what is stored is written, but it is not what was read
    /// from the database.
    bool is_filled = true;
    std::string problem;  ///< Which object is at fault, and why.
    friend auto operator<=>(const LostRange&, const LostRange&) = default;
};

/// Thread-safe.
class LostRanges {
public:
    /// May be told of the same pages again.
    void add(const StoredStream& stream, std::uint64_t offset, std::uint64_t bytes, bool is_filled,
             const std::string& problem);

    /// In the order of names and pages, each page once; what has one cause and stands together is
    /// one range.
    [[nodiscard]] std::vector<LostRange> ranges() const;

private:
    Guarded<std::vector<LostRange>> found_;
};

/// "pages 4 to 9 of stream 'main' are lost, and zeros stand in the place: …"
[[nodiscard]] std::string lost_range_text(const LostRange& range);

}  // namespace dbbackup
