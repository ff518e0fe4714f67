#include "connector/sqlite/stream_vfs.hpp"

#include "base/error.hpp"
#include "base/units.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr std::uint64_t kReadAheadBytes = 1_MiB;
constexpr int kPathBytesMax = 512;

/// SQLite allocates this and hands it to every method.
struct StreamFile {
    sqlite3_file base;
    StreamVfs* stream;
};

StreamVfs& stream_of(sqlite3_file* file) { return *reinterpret_cast<StreamFile*>(file)->stream; }

int close_file(sqlite3_file*) { return SQLITE_OK; }

int read_file(sqlite3_file* file, void* out, int length, sqlite3_int64 offset) {
    const std::span<std::uint8_t> bytes(static_cast<std::uint8_t*>(out),
                                        static_cast<std::size_t>(length));
    switch (stream_of(file).read(static_cast<std::uint64_t>(offset), bytes)) {
        case StreamVfs::ReadResult::whole: return SQLITE_OK;
        case StreamVfs::ReadResult::past_end: return SQLITE_IOERR_SHORT_READ;
        case StreamVfs::ReadResult::failed: break;
    }
    return SQLITE_IOERR_READ;
}

int write_file(sqlite3_file*, const void*, int, sqlite3_int64) { return SQLITE_READONLY; }
int truncate_file(sqlite3_file*, sqlite3_int64) { return SQLITE_READONLY; }
int sync_file(sqlite3_file*, int) { return SQLITE_OK; }

int file_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(stream_of(file).size_bytes());
    return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) { return SQLITE_OK; }
int unlock_file(sqlite3_file*, int) { return SQLITE_OK; }

int check_reserved_lock(sqlite3_file*, int* is_reserved) {
    *is_reserved = 0;
    return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_IMMUTABLE; }

const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods table = [] {
        sqlite3_io_methods made{};
        made.iVersion = 1;
        made.xClose = close_file;
        made.xRead = read_file;
        made.xWrite = write_file;
        made.xTruncate = truncate_file;
        made.xSync = sync_file;
        made.xFileSize = file_size;
        made.xLock = lock_file;
        made.xUnlock = unlock_file;
        made.xCheckReservedLock = check_reserved_lock;
        made.xFileControl = control_file;
        made.xSectorSize = sector_size;
        made.xDeviceCharacteristics = device_characteristics;
        return made;
    }();
    return table;
}

int open_file(sqlite3_vfs* vfs, const char*, sqlite3_file* file, int flags, int* flags_out) {
    file->pMethods = nullptr;
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0) {
        return SQLITE_CANTOPEN;  // no journal, no temporary file: use temp_store=MEMORY
    }
    reinterpret_cast<StreamFile*>(file)->stream = static_cast<StreamVfs*>(vfs->pAppData);
    file->pMethods = &methods();
    if (flags_out != nullptr) {
        *flags_out = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    }
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char*, int) { return SQLITE_READONLY; }

int access_file(sqlite3_vfs*, const char*, int, int* result) {
    *result = 0;  // there is neither a journal nor a log
    return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int count, char* out) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    return system->xRandomness(system, count, out);
}

int sleep_microseconds(sqlite3_vfs*, int microseconds) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    return system->xSleep(system, microseconds);
}

int current_time(sqlite3_vfs*, double* time) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    return system->xCurrentTime(system, time);
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

/// Two streams may be open at once, and SQLite finds a VFS by its name only.
std::string unique_name() {
    static std::atomic<std::uint64_t> made{0};
    return fmt::format("db-backup-stream-{}", ++made);
}

}  // namespace

void StreamVfs::Unregister::operator()(sqlite3_vfs* vfs) const noexcept {
    sqlite3_vfs_unregister(vfs);
    std::default_delete<sqlite3_vfs>()(vfs);
}

StreamVfs::StreamVfs(StreamReader& stream, std::stop_token stop, ReadAhead read_ahead)
    : stream_(&stream),
      stop_(std::move(stop)),
      size_bytes_(stream.stream().size_bytes),
      page_bytes_(stream.stream().page_bytes),
      read_ahead_(read_ahead),
      name_(unique_name()) {
    auto vfs = std::make_unique<sqlite3_vfs>();
    vfs->iVersion = 1;
    vfs->szOsFile = static_cast<int>(sizeof(StreamFile));
    vfs->mxPathname = kPathBytesMax;
    vfs->zName = name_.c_str();
    vfs->pAppData = this;
    vfs->xOpen = open_file;
    vfs->xDelete = delete_file;
    vfs->xAccess = access_file;
    vfs->xFullPathname = full_path;
    vfs->xRandomness = randomness;
    vfs->xSleep = sleep_microseconds;
    vfs->xCurrentTime = current_time;
    vfs->xGetLastError = last_error;
    if (sqlite3_vfs_register(vfs.get(), 0) != SQLITE_OK) {
        throw SourceError("cannot register a virtual file with SQLite");
    }
    vfs_.reset(vfs.release());
}

StreamVfs::~StreamVfs() = default;

StreamVfs::ReadResult StreamVfs::read(std::uint64_t offset, std::span<std::uint8_t> out) noexcept {
    try {
        const std::uint64_t available = offset < size_bytes_ ? size_bytes_ - offset : 0;
        const auto inside = out.first(std::min<std::uint64_t>(out.size(), available));
        if (stream_ == nullptr) {
            read_kept(offset, inside);
        } else {
            read_part(offset, inside);
        }
        // SQLite requires the rest of a short read to be zeros.
        std::fill(out.begin() + static_cast<std::ptrdiff_t>(inside.size()), out.end(),
                  std::uint8_t{0});
        return inside.size() == out.size() ? ReadResult::whole : ReadResult::past_end;
    } catch (...) {
        failure_ = std::current_exception();
        return ReadResult::failed;
    }
}

void StreamVfs::read_part(std::uint64_t offset, std::span<std::uint8_t> out) {
    if (read_ahead_ == ReadAhead::no) {
        stream_->read_at(offset, out, stop_);
        return;
    }
    while (!out.empty()) {
        if (block_.empty() || offset < block_offset_ || offset >= block_offset_ + block_.size()) {
            const std::uint64_t begin = offset / kReadAheadBytes * kReadAheadBytes;
            Bytes block(std::min(kReadAheadBytes, size_bytes_ - begin));
            stream_->read_at(begin, block, stop_);
            block_ = std::move(block);
            block_offset_ = begin;
        }
        const std::uint64_t from = offset - block_offset_;
        const std::uint64_t length = std::min<std::uint64_t>(out.size(), block_.size() - from);
        std::memcpy(out.data(), block_.data() + from, length);
        out = out.subspan(length);
        offset += length;
    }
}

void StreamVfs::read_kept(std::uint64_t offset, std::span<std::uint8_t> out) const {
    const std::uint64_t last = size_bytes_ - last_page_.size();
    if (offset + out.size() <= first_page_.size()) {
        std::copy_n(first_page_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(),
                    out.begin());
    } else if (offset >= last && offset + out.size() <= size_bytes_) {
        std::copy_n(last_page_.begin() + static_cast<std::ptrdiff_t>(offset - last), out.size(),
                    out.begin());
    } else {
        throw SourceError(fmt::format("byte {} of the stream is no longer at hand", offset));
    }
}

void StreamVfs::detach() {
    if (stream_ != nullptr && size_bytes_ >= page_bytes_) {
        first_page_.resize(page_bytes_);
        last_page_.resize(page_bytes_);
        stream_->read_at(0, first_page_, stop_);
        stream_->read_at(size_bytes_ - page_bytes_, last_page_, stop_);
    }
    stream_ = nullptr;
    block_.clear();
}

void StreamVfs::rethrow_failure() const {
    if (failure_) {
        std::rethrow_exception(failure_);
    }
}

}  // namespace dbbackup::sqlite
