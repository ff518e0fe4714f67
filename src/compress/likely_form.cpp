#include "compress/column_encoder.hpp"
#include "compress/compressor.hpp"

#include <algorithm>
#include <array>

namespace dbbackup {
namespace {

constexpr std::size_t kFieldsMax = 512;
constexpr std::size_t kSampledFields = 32;
constexpr std::size_t kSpellings = 4;
/// So many in eight must be alike. A field that is not costs little more than it would as text.
constexpr std::size_t kAlikeOfEight = 7;
/// No value or UUID is longer.
constexpr std::size_t kSampledFieldBytes = 64;

/// Of rows with a single column.
constexpr std::size_t kSampledRowsBytes = 4096;

/// As COPY and LOAD DATA spell it. Source: PostgreSQL manual, COPY, "Text Format".
bool is_null(BytesView field) { return field.size() == 2 && field[0] == '\\' && field[1] == 'N'; }

using Sample = std::vector<BytesView>;

/// The first fields that are not NULL, without their terminators.
Sample sample_of(BytesView column, ColumnPlace place) {
    Sample sample;
    for (std::size_t fields = 0;
         fields < kFieldsMax && sample.size() < kSampledFields && !column.empty(); ++fields) {
        const std::size_t bytes = field_bytes(column, place);
        const BytesView field = column.first(bytes - 1);
        if (!is_null(field)) {
            sample.push_back(field);
        }
        column = column.subspan(bytes);
    }
    return sample;
}

std::size_t count_spelt(const Sample& sample, const ValueSpelling& spelling) {
    ValueParser parser(spelling);
    return static_cast<std::size_t>(
        std::count_if(sample.begin(), sample.end(), [&parser](BytesView field) {
            // Its terminator stands behind it.
            const BytesView text(field.data(), field.size() + 1);
            const SpeltValue spelt = parser.parse(text, text.back());
            return spelt.bytes > 0 && spelt.bytes == field.size();
        }));
}

std::size_t count_uuids(const Sample& sample) {
    std::array<std::uint8_t, kUuidBytes> uuid{};
    return static_cast<std::size_t>(
        std::count_if(sample.begin(), sample.end(), [&uuid](BytesView field) {
            return field.size() == kUuidTextBytes && parse_uuid(field.data(), uuid.data());
        }));
}

}  // namespace

LikelyForm likely_form(BytesView column, ColumnPlace place) {
    const Sample sample = sample_of(column, place);
    const std::size_t alike_min = (sample.size() * kAlikeOfEight + 7) / 8;
    if (sample.empty()) {
        return {};
    }
    LikelyForm likely;
    std::size_t most = 0;
    std::size_t tried = 0;
    for (const BytesView field : sample) {
        if (most >= alike_min || tried == kSpellings) {
            break;
        }
        ++tried;
        if (field.size() > kSampledFieldBytes) {
            continue;
        }
        std::optional<ValueSpelling> spelling = spelling_of(field);
        if (!spelling) {
            continue;
        }
        std::size_t alike = count_spelt(sample, *spelling);
        if (spelling->kind == ValueKind::timestamp) {
            ValueSpelling trimmed = *spelling;
            trimmed.digits = kTrimmedDigits;
            // Most fractions that are trimmed have all digits, so a sample may not show it.
            if (const std::size_t more = count_spelt(sample, trimmed); more >= alike) {
                spelling = trimmed;
                alike = more;
            }
        }
        if (alike > most) {
            most = alike;
            likely = {form_of(spelling->kind), *spelling};
        }
    }
    if (most >= alike_min) {
        return likely;
    }
    return count_uuids(sample) >= alike_min ? LikelyForm{ColumnForm::uuid, {}} : LikelyForm{};
}

bool has_columns(BytesView rows) {
    if (count_columns(rows) > 1) {
        return true;
    }
    // The fields of a single column are the rows. The parser looks behind what it is given.
    Bytes sample(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(
                                                  std::min(rows.size(), kSampledRowsBytes)));
    const std::size_t bytes = sample.size();
    sample.resize(bytes + kColumnSlackBytes);
    return likely_form(BytesView(sample).first(bytes), ColumnPlace::last).form != ColumnForm::text;
}

}  // namespace dbbackup
