#include "base/error.hpp"
#include "compress/codecs.hpp"

#include <fmt/format.h>

namespace dbbackup {
namespace {

/// Payload: the plain bytes. What cannot be made smaller is kept like this.
class Stored final : public Compressor {
public:
    [[nodiscard]] Codec codec() const noexcept override { return Codec::stored; }

    std::optional<Bytes> compress(BytesView content, std::span<const BytesView> /*bases*/,
                                  const CompressHints& /*hints*/, std::size_t bytes_max) override {
        if (content.size() > bytes_max) {
            return std::nullopt;
        }
        return Bytes(content.begin(), content.end());
    }

    Bytes decompress(BytesView packed, std::span<const BytesView> /*bases*/,
                     std::size_t content_bytes) override {
        if (packed.size() != content_bytes) {
            throw CorruptionError(fmt::format("a stored chunk has {} bytes where {} are expected",
                                              packed.size(), content_bytes));
        }
        return {packed.begin(), packed.end()};
    }
};

}  // namespace

std::unique_ptr<Compressor> make_stored(int level) {
    static_cast<void>(checked_level(Codec::stored, level, 0, 0));
    return std::make_unique<Stored>();
}

}  // namespace dbbackup
