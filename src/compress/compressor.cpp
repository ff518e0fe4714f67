#include "compress/compressor.hpp"

#include "base/error.hpp"
#include "compress/codecs.hpp"

#include <fmt/format.h>

namespace dbbackup {

std::string_view codec_name(Codec codec) noexcept {
    switch (codec) {
        case Codec::stored: return "stored";
        case Codec::zstd: return "zstd";
        case Codec::gzip: return "gzip";
        case Codec::zstd_delta: return "zstd-delta";
        case Codec::zstd_columns: return "zstd-columns";
    }
    return "unknown";
}

int checked_level(Codec codec, int level, int level_max, int fallback) {
    if (level < 0 || level > level_max) {
        throw explained<ConfigError>(
            fmt::format("{} has no compression level {}", codec_name(codec), level),
            level_max == 0 ? "Leave the level out."
                           : fmt::format("Choose a level from 1 to {}.", level_max));
    }
    return level == 0 ? fallback : level;
}

std::unique_ptr<Compressor> make_compressor(Codec codec, int level) {
    switch (codec) {
        case Codec::stored: return make_stored(level);
        case Codec::zstd: return make_zstd(level);
        case Codec::gzip: return make_gzip(level);
        case Codec::zstd_delta: return make_zstd_delta(level);
        case Codec::zstd_columns: return make_zstd_columns(level);
    }
    throw explained<ConfigError>(fmt::format("this version has no codec {} ({})",
                                             static_cast<unsigned>(codec), codec_name(codec)),
                                 "Use a newer version of db-backup.");
}

}  // namespace dbbackup
