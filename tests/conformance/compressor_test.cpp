/// @file
/// Every codec against the suite of its interface.

#include "conformance/compressor_suite.hpp"

namespace dbbackup {
namespace {

std::string name_of_test(const testing::TestParamInfo<CodecUnderTest>& info) {
    return name_of(info.param);
}

INSTANTIATE_TEST_SUITE_P(
    All, CompressorSuite,
    testing::Values(
        CodecUnderTest{.codec = Codec::stored}, CodecUnderTest{.codec = Codec::zstd},
        CodecUnderTest{.codec = Codec::zstd, .level = 1},
        CodecUnderTest{.codec = Codec::zstd, .level = 5}, CodecUnderTest{.codec = Codec::gzip},
        CodecUnderTest{.codec = Codec::gzip, .level = 1},
        CodecUnderTest{.codec = Codec::gzip, .level = 9},
        CodecUnderTest{.codec = Codec::zstd_columns},
        CodecUnderTest{.codec = Codec::zstd_columns, .level = 3},
        CodecUnderTest{.codec = Codec::zstd_columns, .level = 19},
        CodecUnderTest{.codec = Codec::zstd_delta},
        CodecUnderTest{.codec = Codec::zstd_delta, .bases = 1},
        CodecUnderTest{.codec = Codec::zstd_delta, .bases = 3},
        CodecUnderTest{.codec = Codec::zstd_delta, .level = 5, .bases = 2},
        CodecUnderTest{.codec = Codec::zstd_delta, .bases = 1, .aligned_unit_bytes = 512},
        CodecUnderTest{
            .codec = Codec::zstd_delta, .level = 1, .bases = 1, .aligned_unit_bytes = 4096}),
    name_of_test);

}  // namespace
}  // namespace dbbackup
