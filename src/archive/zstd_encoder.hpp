#pragma once

/// @file
/// One zstd frame, made by libzstd's own threads.

#include "archive/encoder.hpp"

namespace dbbackup {

/// @param level 1 to 19; 0: the default. The others are those of `make_encoder`.
[[nodiscard]] std::unique_ptr<Encoder> make_zstd_encoder(ByteSink& sink, int level, unsigned jobs,
                                                         std::stop_token stop);

}  // namespace dbbackup
