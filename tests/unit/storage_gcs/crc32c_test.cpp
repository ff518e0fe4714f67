#include "storage/gcs/crc32c.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

/// Source: RFC 3720, appendix B.4.
TEST(Crc32c, IsThatOfTheStandard) {
    EXPECT_EQ(crc32c({}), 0U);
    EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
    EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aaU);
    EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43U);
    Bytes rising(32);
    for (std::size_t at = 0; at < rising.size(); ++at) {
        rising[at] = static_cast<std::uint8_t>(at);
    }
    EXPECT_EQ(crc32c(rising), 0x46dd794eU);
}

TEST(Crc32c, GoesOnWhereTheContentStopped) {
    EXPECT_EQ(crc32c(as_bytes("456789"), crc32c(as_bytes("123"))), 0xe3069283U);
    EXPECT_EQ(crc32c({}, 0xe3069283U), 0xe3069283U);
    EXPECT_EQ(crc32c_text(0xe3069283U), "4waSgw==");
}

TEST(Crc32c, IsTheSameWhereverTheContentLies) {
    const Bytes content(100, 0x5a);
    for (std::size_t length = 0; length < 20; ++length) {
        const Bytes copy(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_EQ(crc32c(BytesView(content).subspan(3, length)), crc32c(copy)) << length;
    }
}

}  // namespace
}  // namespace dbbackup
