#include "connector/postgres/stream_slices.hpp"

#include "base/error.hpp"
#include "conformance/connector_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup::postgres {
namespace {

/// A stream of rows with these bytes.
class Rows {
public:
    explicit Rows(const std::string& text) {
        stream_.plan.name = "shop.public.orders";
        stream_.plan.kind = StreamKind::rows;
        stream_.segments.push_back({{}, copy_of(as_bytes(text)), 0});
    }
    MemoryStreamReader reader() const { return {stream_, fingerprinter_}; }

private:
    MemoryStream stream_;
    Fingerprinter fingerprinter_{Bytes(32, 1)};
};

std::string taken_by_one(StreamSlices& slices) {
    std::string text;
    StreamSlices::Reader reader(slices);
    for (BytesView part = reader.next(); !part.empty(); part = reader.next()) {
        text += as_text(part);
    }
    return text;
}

std::vector<std::string> sorted_rows(const std::string& text) {
    std::vector<std::string> rows;
    std::istringstream lines(text);
    for (std::string row; std::getline(lines, row);) {
        rows.push_back(row);
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

TEST(StreamSlices, OneReaderGetsAllInOrder) {
    std::mt19937 random(7);
    std::string text;
    while (text.size() < 30_MiB) {
        // Most are short; some are longer than what is read at once, and one than a slice.
        const std::size_t length = random() % 2000 == 0 ? 3_MiB : random() % 3000;
        text.append(text.empty() ? 9_MiB : length, 'x').push_back('\n');
    }
    const Rows rows(text);
    MemoryStreamReader reader = rows.reader();
    StreamSlices slices(reader, {});
    EXPECT_TRUE(taken_by_one(slices) == text);
}

TEST(StreamSlices, RowsThatEndAtABorderBelongToOneSlice) {
    for (const std::uint64_t first : {8_MiB - 2, 8_MiB - 1, 8_MiB, 8_MiB + 1, 16_MiB - 1}) {
        std::string text(first - 1, 'a');
        text += "\nb\n\n";
        text.append(9_MiB, 'c').push_back('\n');
        const Rows rows(text);
        MemoryStreamReader reader = rows.reader();
        StreamSlices slices(reader, {});
        EXPECT_TRUE(taken_by_one(slices) == text) << first;
    }
}

TEST(StreamSlices, SeveralReadersGetEachRowOnce) {
    std::mt19937 random(8);
    std::string text;
    while (text.size() < 60_MiB) {
        text.append(random() % 100'000, 'y');
        text += std::to_string(text.size());
        text.push_back('\n');
    }
    const Rows rows(text);
    MemoryStreamReader reader = rows.reader();
    StreamSlices slices(reader, {});
    std::vector<std::string> taken(3);
    {
        std::vector<std::jthread> threads;
        for (std::string& mine : taken) {
            threads.emplace_back([&slices, &mine] { mine = taken_by_one(slices); });
        }
    }
    EXPECT_TRUE(sorted_rows(taken[0] + taken[1] + taken[2]) == sorted_rows(text));
}

TEST(StreamSlices, AnEmptyStreamHasNone) {
    const Rows rows("");
    MemoryStreamReader reader = rows.reader();
    StreamSlices slices(reader, {});
    EXPECT_EQ(taken_by_one(slices), "");
}

TEST(StreamSlices, AStreamThatEndsWithinARowIsDamaged) {
    const Rows rows("one\ntwo");
    MemoryStreamReader reader = rows.reader();
    StreamSlices slices(reader, {});
    EXPECT_THROW(static_cast<void>(taken_by_one(slices)), CorruptionError);
}

TEST(StreamSlices, AbandonedNobodyGetsMore) {
    const Rows rows(std::string(20_MiB, '\n'));
    MemoryStreamReader reader = rows.reader();
    StreamSlices slices(reader, {});
    slices.abandon();
    EXPECT_EQ(taken_by_one(slices), "");
}

}  // namespace
}  // namespace dbbackup::postgres
