#pragma once

/// @file
/// The codecs of this folder, for make_compressor() alone: one function per codec's file.

#include "compress/compressor.hpp"

#include <memory>

namespace dbbackup {

/// Each checks its level: 0 is the default, anything out of range a `ConfigError`.
[[nodiscard]] std::unique_ptr<Compressor> make_stored(int level);
[[nodiscard]] std::unique_ptr<Compressor> make_gzip(int level);
[[nodiscard]] std::unique_ptr<Compressor> make_zstd(int level);
[[nodiscard]] std::unique_ptr<Compressor> make_zstd_delta(int level);
[[nodiscard]] std::unique_ptr<Compressor> make_zstd_columns(int level);

/// Returns `level`, or `fallback` for 0.
/// @throws ConfigError unless it is between 1 and `level_max`.
[[nodiscard]] int checked_level(Codec codec, int level, int level_max, int fallback);

}  // namespace dbbackup
