#include "archive/archive_writer.hpp"

#include "archive/encoder.hpp"
#include "archive/zip_writer.hpp"

#include <cassert>
#include <utility>

namespace dbbackup {
namespace {

/// One database, and nothing else.
class SingleFileWriter final : public ArchiveWriter {
public:
    SingleFileWriter(const ArchiveOptions& options, ByteSink& sink, std::stop_token stop)
        : encoder_(make_encoder(options.compression, sink, options.jobs, std::move(stop))) {}

    void begin_entry(const std::string& /*name*/) override {
        assert(!has_entry_);
        has_entry_ = true;
    }
    void write(BytesView content) override { encoder_->write(content); }
    void end_entry() override {}
    void finish(const ArchiveManifest& /*manifest*/) override { encoder_->finish(); }

private:
    std::unique_ptr<Encoder> encoder_;
    bool has_entry_ = false;
};

}  // namespace

bool holds_several(CompressionKind kind) noexcept { return kind == CompressionKind::zip; }

std::unique_ptr<ArchiveWriter> make_archive_writer(const ArchiveOptions& options, ByteSink& sink,
                                                   std::stop_token stop) {
    if (options.compression.kind == CompressionKind::zip) {
        return std::make_unique<ZipWriter>(options, sink, std::move(stop));
    }
    return std::make_unique<SingleFileWriter>(options, sink, std::move(stop));
}

}  // namespace dbbackup
