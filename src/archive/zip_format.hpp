#pragma once

/// @file
/// The numbers of the zip format that writer and reader share.
/// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5; Info-ZIP's extra field "UT".

#include <cstdint>

namespace dbbackup::zip {

inline constexpr std::uint32_t kLocalHeader = 0x04034B50;
inline constexpr std::uint32_t kDescriptor = 0x08074B50;
inline constexpr std::uint32_t kDirectoryRecord = 0x02014B50;
inline constexpr std::uint32_t kEnd64 = 0x06064B50;
inline constexpr std::uint32_t kEnd64Locator = 0x07064B50;
inline constexpr std::uint32_t kEnd = 0x06054B50;

inline constexpr std::uint16_t kVersion64 = 45;       ///< 4.5: with 64-bit sizes.
inline constexpr std::uint16_t kMadeOnUnix = 3 << 8;  ///< So attributes are those of Unix.
inline constexpr std::uint16_t kFlagDescriptor = 8;   ///< CRC and sizes follow the content.
inline constexpr std::uint16_t kFlagUtf8 = 0x800;     ///< Of the name.
inline constexpr std::uint16_t kMethodStored = 0;
inline constexpr std::uint16_t kMethodDeflate = 8;
inline constexpr std::uint16_t kSizesTag = 1;  ///< Extra field with 64-bit sizes.
inline constexpr std::uint16_t kExactTimeTag = 0x5455;
/// "See the extra field", in the place of a size, an offset, a count.
inline constexpr std::uint32_t kIn64 = 0xFFFFFFFF;
inline constexpr std::uint16_t kCountIn64 = 0xFFFF;

inline constexpr unsigned kLocalHeaderBytes = 30;
inline constexpr unsigned kDirectoryRecordBytes = 46;
inline constexpr unsigned kEnd64Bytes = 56;
inline constexpr unsigned kEnd64LocatorBytes = 20;
inline constexpr unsigned kEndBytes = 22;

}  // namespace dbbackup::zip
