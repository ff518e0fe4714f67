/// @file
/// The engine and the SQLite connector do not know each other; only together they make a segment
/// one chunk, without which each base of a delta is hashed anew and nothing else tells.

#include "connector/sqlite/session.hpp"
#include "engine/cutting_sink.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(SqliteSegmentSize, IsThatOfAChunkOfPages) {
    EXPECT_EQ(sqlite::kSegmentBytes, kPageChunks.bytes_target);
}

}  // namespace
}  // namespace dbbackup
