#include "storage/s3/aws_profile.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr const char* kText = R"(# people write these
[default]
aws_access_key_id = FIRST
aws_secret_access_key=a=b#c
region = eu-central-1  # a comment

[profile shop]
 nested = no
s3 =
    max_concurrent_requests = 20
aws_access_key_id	=	SECOND
; another comment
[shop]
aws_secret_access_key = x
no setting at all
[unclosed
aws_access_key_id = NOBODY
)";

TEST(AwsProfile, IsReadAsItsOwnProgramsDo) {
    EXPECT_EQ(read_aws_profile(kText, "default"), (AwsProfile{{"aws_access_key_id", "FIRST"},
                                                              {"aws_secret_access_key", "a=b#c"},
                                                              {"region", "eu-central-1"}}));
    EXPECT_EQ(
        read_aws_profile(kText, "shop"),
        (AwsProfile{{"aws_access_key_id", "SECOND"}, {"aws_secret_access_key", "x"}, {"s3", ""}}));
    EXPECT_EQ(read_aws_profile(kText, "profile"), AwsProfile{});
    EXPECT_EQ(read_aws_profile(kText, "unclosed"), AwsProfile{});
    EXPECT_EQ(read_aws_profile("", "default"), AwsProfile{});
    EXPECT_EQ(read_aws_profile("[default]\r\na = b\r\n", "default"), (AwsProfile{{"a", "b"}}));
}

}  // namespace
}  // namespace dbbackup
