#include "crypto/md5.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

/// Source: RFC 1321, section A.5.
TEST(Md5, IsThatOfItsSpecification) {
    EXPECT_EQ(to_hex(md5({})), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(to_hex(md5(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(to_hex(md5(as_bytes("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
}

}  // namespace
}  // namespace dbbackup
