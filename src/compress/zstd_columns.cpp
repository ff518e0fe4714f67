/// @file
/// The codec for delimited rows: fields of one column stand together, as values where they are
/// such, in two zstd frames.
///
/// Payload, version 1 (part of the repository format). Numbers are LEB128 (leb128.hpp): seven bits
/// a byte, the lowest first, the high bit set on all bytes but the last; at most 64 bits. Signed
/// ones are zigzag: 0, -1, 1, -2 ... stand as 0, 1, 2, 3 ...
///
///     01 | columns | head of each column | code_frame_bytes | code frame | text frame
///
/// - *Fields.* The content is a sequence of fields, each with its terminator. A field of any column
///   but the last ends behind its first tab (09) or line feed (0a), one of the last column behind
///   its first line feed. The content starts with a field of column 0; behind a tab comes a field
///   of the next column, behind a line feed one of column 0. The very last field may lack its
///   terminator.
/// - *Codes and texts.* Each column has `fields` codes of `width` bytes, and a text of
/// `text_bytes`.
///   The code frame holds the codes of all columns, in order: of each column the lowest bytes of
///   all its codes, then the next bytes, and so on. The text frame holds the texts of all columns,
///   in order. Codes and texts together have no more bytes than the content. What has no bytes has
///   no frame.
/// - *Head*: form | text_bytes, and but for texts: | fields | width, and more as the form says.
///
///     form 0, text                the text is the column's fields, one after another
///     form 1, words | words       the text is so many fields; a field's code is its place among
///                                 them, from 0
///     form 2, number | digits | from | unit | base
///     form 3, date | from | unit | base
///     form 4, timestamp | digits | zone_bytes | zone | from | unit | base
///     form 5, uuid                width is 17
///
/// - In forms 2 to 5 a field whose code is 0 (uuid: the lowest byte of its code) is the next field
///   of the column's text. Any other is a value and the terminator: a line feed in the last column,
///   a tab in the others.
/// - In forms 2 to 4 `base` is signed, and from = 0: value = base + (code - 1) * unit; from = 1:
///   value = before + signed(code - 1) * unit, where before is the value before it in this column,
///   at first base, and signed() undoes zigzag. All of it modulo 2^64, as signed numbers.
/// - *number*: the value in decimal, `-` in front if it is negative; with digits > 0 (at most 15)
///   there is a point before so many last digits, and at least one digit before it.
/// - *date*: `YYYY-MM-DD`, the value in days since 1970-01-01, years 0001 to 9999.
/// - *timestamp*: a date, a space, `HH:MM:SS`, then a point and `digits` digits unless these are 0,
///   then the bytes of `zone` (at most 16). The value is in units of the last digit since 1970.
///   digits = 7: the value is in microseconds, and zeros at the end of the fraction are left out,
///   the point too if no digit is left.
/// - *uuid*: bytes 1 to 16 of the code, lowest first, as 8-4-4-4-12 lower-case hexadecimal digits.
/// - frame: one zstd frame (RFC 8878) without content size, checksum and dictionary id. The text
///   frame ends the payload.

#include "base/error.hpp"
#include "compress/codecs.hpp"
#include "compress/column_decoder.hpp"
#include "compress/column_encoder.hpp"
#include "compress/column_head.hpp"
#include "compress/leb128.hpp"
#include "compress/row_fields.hpp"
#include "compress/scratch.hpp"
#include "compress/zstd_support.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace dbbackup {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr int kLevelMax = 19;
// Measured in docs/decisions/0014. Codes have next to no matches: what makes them smaller is that
// common bytes get short codes, which all levels do alike. So they have one level, and only texts
// have that which was asked for.
constexpr int kCodeLevel = 1;
constexpr int kTextLevel = 1;
constexpr int kTextHashLog = 15;

class ZstdColumns final : public Compressor {
public:
    explicit ZstdColumns(int level);

    [[nodiscard]] Codec codec() const noexcept override { return Codec::zstd_columns; }

    std::optional<Bytes> compress(BytesView content, std::span<const BytesView> bases,
                                  const CompressHints& hints, std::size_t bytes_max) override;
    Bytes decompress(BytesView packed, std::span<const BytesView> bases,
                     std::size_t content_bytes) override;

private:
    ZstdCompression code_compression_ = new_zstd_compression();
    ZstdCompression text_compression_ = new_zstd_compression();
    ZstdDecompression decompression_ = new_zstd_decompression();
    SplitRows rows_;
    ColumnEncoder encoder_;
    Scratch frames_;
    Scratch codes_;
    Scratch texts_;
};

ZstdColumns::ZstdColumns(int level) {
    set(*code_compression_, ZSTD_c_compressionLevel, kCodeLevel);
    set(*text_compression_, ZSTD_c_compressionLevel, level == 0 ? kTextLevel : level);
    if (level == 0) {
        set(*text_compression_, ZSTD_c_hashLog, kTextHashLog);
    }
}

std::optional<Bytes> ZstdColumns::compress(BytesView content, std::span<const BytesView> /*bases*/,
                                           const CompressHints& /*hints*/, std::size_t bytes_max) {
    if (content.size() > std::numeric_limits<std::uint32_t>::max()) {
        return std::nullopt;
    }
    const std::size_t columns = count_columns(content);
    rows_.split(content, columns);
    encoder_.start(content.size());
    Bytes head{kVersion};
    append_leb128(columns, head);
    for (std::size_t column = 0; column < columns; ++column) {
        append_column_head(encoder_.add(rows_.column(column)), head);
    }

    const std::size_t code_room = frame_bytes_max(encoder_.codes());
    const std::size_t text_room = frame_bytes_max(encoder_.texts());
    const std::span<std::uint8_t> room = frames_.room(code_room + text_room);
    const std::size_t code_frame_bytes =
        compress_parts(*code_compression_, encoder_.codes(), room.first(code_room));
    const std::size_t text_frame_bytes =
        compress_parts(*text_compression_, encoder_.texts(), room.subspan(code_frame_bytes));
    append_leb128(code_frame_bytes, head);
    if (head.size() + code_frame_bytes + text_frame_bytes > bytes_max) {
        return std::nullopt;
    }
    const BytesView frames = room.first(code_frame_bytes + text_frame_bytes);
    head.reserve(head.size() + frames.size());
    head.insert(head.end(), frames.begin(), frames.end());
    return head;
}

Bytes ZstdColumns::decompress(BytesView packed, std::span<const BytesView> /*bases*/,
                              std::size_t content_bytes) {
    if (packed.empty() || packed.front() != kVersion) {
        refuse_columns();
    }
    BytesView payload = packed.subspan(1);
    const std::size_t columns = take_number_of_columns(payload, kColumnsMax);
    if (columns == 0) {
        refuse_columns();
    }
    std::vector<ColumnHead> heads;
    std::size_t code_bytes = 0;
    std::size_t text_bytes = 0;
    for (std::size_t column = 0; column < columns; ++column) {
        heads.push_back(take_column_head(payload, content_bytes - code_bytes - text_bytes));
        code_bytes += heads.back().code_bytes();
        text_bytes += heads.back().text_bytes;
    }

    const std::size_t code_frame_bytes = take_number_of_columns(payload, payload.size());
    if (code_frame_bytes > payload.size()) {
        refuse_columns();
    }
    const std::span<std::uint8_t> codes = codes_.room(code_bytes);
    const std::span<std::uint8_t> texts = texts_.room(text_bytes + kColumnSlackBytes);
    const auto decode = [this](BytesView frame, std::span<std::uint8_t> out) {
        if (out.empty() ? !frame.empty() : !decompress_frame(*decompression_, frame, {}, out)) {
            refuse_columns();
        }
    };
    decode(payload.first(code_frame_bytes), codes);
    decode(payload.subspan(code_frame_bytes), texts.first(text_bytes));
    std::memset(texts.data() + text_bytes, 0, kColumnSlackBytes);

    std::vector<ColumnDecoder> decoders;
    decoders.reserve(columns);
    std::size_t code_at = 0;
    std::size_t text_at = 0;
    for (const ColumnHead& head : heads) {
        const bool is_last = decoders.size() + 1 == columns;
        decoders.emplace_back(head, is_last ? ColumnPlace::last : ColumnPlace::inner,
                              BytesView(codes).subspan(code_at, head.code_bytes()),
                              BytesView(texts).subspan(text_at, head.text_bytes));
        code_at += head.code_bytes();
        text_at += head.text_bytes;
    }
    Bytes content(content_bytes);
    join_rows(decoders, content);
    return content;
}

}  // namespace

std::unique_ptr<Compressor> make_zstd_columns(int level) {
    return std::make_unique<ZstdColumns>(checked_level(Codec::zstd_columns, level, kLevelMax, 0));
}

}  // namespace dbbackup
