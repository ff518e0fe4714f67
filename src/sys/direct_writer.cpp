#include "sys/direct_writer.hpp"

#include "base/units.hpp"
#include "sys/file_error.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>

namespace dbbackup {
namespace {

/// Smaller files are often read soon.
constexpr std::uint64_t kDirectBytesMin = 2_MiB;
constexpr std::size_t kStepBytes = 1_MiB;
/// At least the logical block size of every common device.
constexpr std::size_t kBlockBytes = 4096;

bool set_direct(const File& file, int flag) noexcept {
    const int flags = ::fcntl(file.descriptor(), F_GETFL);
    return flags >= 0 && ::fcntl(file.descriptor(), F_SETFL, (flags & ~O_DIRECT) | flag) == 0;
}

}  // namespace

DirectWriter::DirectWriter(File& file, std::uint64_t expected_bytes) : file_(file) {
    if (expected_bytes >= kDirectBytesMin && set_direct(file, O_DIRECT)) {
        buffer_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kBlockBytes, kStepBytes)));
        if (!buffer_) {
            throw std::bad_alloc();
        }
    }
}

DirectWriter::~DirectWriter() { end_direct(); }

void DirectWriter::Free::operator()(std::uint8_t* memory) const noexcept {
    std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc): the pair of aligned_alloc
}

void DirectWriter::end_direct() noexcept {
    if (buffer_) {
        static_cast<void>(set_direct(file_, 0));
        buffer_.reset();
    }
}

std::size_t DirectWriter::write_direct(std::uint64_t offset, BytesView content) {
    if (!buffer_ || offset % kBlockBytes != 0) {
        return 0;
    }
    std::size_t done = 0;
    while (content.size() - done >= kBlockBytes) {
        const std::size_t step =
            std::min(kStepBytes, (content.size() - done) / kBlockBytes * kBlockBytes);
        const BytesView bytes = content.subspan(done, step);
        std::copy(bytes.begin(), bytes.end(), buffer_.get());
        try {
            file_.write_at(offset + done, {buffer_.get(), step});
        } catch (const FileError& error) {
            if (error.error_number() != EINVAL) {
                throw;
            }
            break;  // A file system that cannot, or wants larger blocks.
        }
        done += step;
    }
    return done;
}

void DirectWriter::write_at(std::uint64_t offset, BytesView content) {
    const std::size_t done = write_direct(offset, content);
    if (done < content.size()) {
        end_direct();
        file_.write_at(offset + done, content.subspan(done));
    }
}

}  // namespace dbbackup
