#include "archive/zstd_encoder.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

constexpr int kLevelDefault = 3;
/// 2 MiB: at high levels zstd would look back 8 MiB, and each of its threads take 100 MiB for it.
constexpr int kWindowLog = 21;
/// From this level on the tables of each thread are kept small, too: 12 instead of 32 MiB.
constexpr int kLevelOfLargeTables = 9;
constexpr int kHashLog = 20;
constexpr int kChainLog = 21;
/// What one thread compresses at a time; zstd holds about two for each thread.
constexpr int kJobBytes = 4 * 1024 * 1024;

struct ReleaseContext {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

class ZstdEncoder final : public Encoder {
public:
    ZstdEncoder(ByteSink& sink, int level, unsigned jobs, std::stop_token stop)
        : sink_(sink),
          stop_(std::move(stop)),
          context_(ZSTD_createCCtx()),
          out_(ZSTD_CStreamOutSize()) {
        if (!context_) {
            throw Error("cannot start zstd: out of memory");
        }
        checked(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel,
                                       level == 0 ? kLevelDefault : level));
        checked(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kWindowLog));
        if (level >= kLevelOfLargeTables) {
            checked(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_hashLog, kHashLog));
            checked(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_chainLog, kChainLog));
        }
        checked(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
        // A libzstd without threads refuses both, and then compresses on this one.
        static_cast<void>(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers,
                                                 static_cast<int>(std::max(jobs, 1U))));
        static_cast<void>(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_jobSize, kJobBytes));
    }

    void write(BytesView content) override {
        ZSTD_inBuffer in = {content.data(), content.size(), 0};
        while (in.pos < in.size) {
            static_cast<void>(step(in, ZSTD_e_continue));
        }
    }
    void finish() override {
        ZSTD_inBuffer in = {nullptr, 0, 0};
        while (step(in, ZSTD_e_end) != 0) {
        }
    }

private:
    static std::size_t checked(std::size_t result) {
        if (ZSTD_isError(result) != 0) {
            throw Error(fmt::format("zstd failed: {}", ZSTD_getErrorName(result)));
        }
        return result;
    }

    /// @return 0 once everything is flushed.
    std::size_t step(ZSTD_inBuffer& in, ZSTD_EndDirective directive) {
        if (stop_.stop_requested()) {
            throw Cancelled();
        }
        ZSTD_outBuffer out = {out_.data(), out_.size(), 0};
        const std::size_t left =
            checked(ZSTD_compressStream2(context_.get(), &out, &in, directive));
        if (out.pos > 0) {
            sink_.write(BytesView(out_).first(out.pos));
        }
        return left;
    }

    ByteSink& sink_;
    std::stop_token stop_;
    std::unique_ptr<ZSTD_CCtx, ReleaseContext> context_;
    Bytes out_;
};

}  // namespace

std::unique_ptr<Encoder> make_zstd_encoder(ByteSink& sink, int level, unsigned jobs,
                                           std::stop_token stop) {
    return std::make_unique<ZstdEncoder>(sink, level, jobs, std::move(stop));
}

}  // namespace dbbackup
