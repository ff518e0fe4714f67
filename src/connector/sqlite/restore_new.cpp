#include "connector/sqlite/restore_new.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/sqlite/definition.hpp"
#include "connector/sqlite/reachability.hpp"
#include "connector/sqlite/verification.hpp"
#include "sys/file_error.hpp"
#include "sys/write_behind.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkostemp is not in <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace dbbackup::sqlite {
namespace {

/// What went wrong with writing, in the words of this layer.
SourceError target_failed(const FileError& error) {
    return explained<SourceError>(error.what(),
                                  error.is_full_disk()
                                      ? "Free some space, or restore to another file system."
                                      : "Check the disk of the target, or restore to another one.",
                                  error.is_full_disk() ? "target_full" : "target_failed");
}

ConfigError appeared(const std::filesystem::path& path) {
    return explained<ConfigError>(
        fmt::format("the target {} was made by somebody else meanwhile", path.native()),
        "Restore to another path with --to, or write over it with --clean.", "target_not_empty");
}

}  // namespace

HiddenFile::HiddenFile(const std::filesystem::path& target) {
    std::string name =
        (target.parent_path() / ("." + target.filename().native() + ".db-backup-XXXXXX")).native();
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) {
        throw FileError("create a file beside", target, errno);
    }
    path_ = name;
    file_ = File::adopt(descriptor, path_);
}

HiddenFile::~HiddenFile() {
    if (!path_.empty()) {
        std::error_code ignored;  // nothing better can be done while failing
        std::filesystem::remove(path_, ignored);
    }
}

RestoreNew::RestoreNew(Target target, const RestoreRequest& request, const StoredStream& stream)
    : target_(std::move(target)), stream_(stream), is_verifying_(request.verify) {
    plan_.source_version = request.server_version;
    plan_.target_state = state_of(target_);
    plan_.bytes_needed = stream_.size_bytes;
    plan_.bytes_free = target_.bytes_free;
    plan_.overwrites = target_.kind == TargetKind::empty_file;
    plan_.steps.push_back(fmt::format("Write {} to a hidden file in {}.",
                                      format_size(stream_.size_bytes), target_.folder.native()));
    if (is_verifying_) {
        plan_.steps.emplace_back("Check every page against the snapshot, and run integrity_check.");
    }
    plan_.steps.push_back(plan_.overwrites
                              ? fmt::format("Replace the empty file {}.", target_.path.native())
                              : fmt::format("Rename it to {}.", target_.path.native()));
    if (plan_.bytes_needed > plan_.bytes_free) {
        plan_.warnings.push_back(fmt::format("{} are needed, but only {} are free",
                                             format_size(plan_.bytes_needed),
                                             format_size(plan_.bytes_free)));
    }
}

void RestoreNew::apply(StreamReader& stream, std::stop_token stop) {
    if (plan_.bytes_needed > plan_.bytes_free) {
        throw explained<SourceError>(
            fmt::format("not enough space for {}: {} are needed, {} are free",
                        target_.path.native(), format_size(plan_.bytes_needed),
                        format_size(plan_.bytes_free)),
            "Free some space, or restore to another file system.", "target_full");
    }
    try {
        hidden_.emplace(target_.path);
        write_all(stream, std::move(stop));
    } catch (const FileError& error) {
        hidden_.reset();
        throw target_failed(error);
    } catch (...) {
        hidden_.reset();
        throw;
    }
}

void RestoreNew::write_all(StreamReader& stream, std::stop_token stop) {
    WriteBehind writer(hidden_->file());
    std::atomic<std::uint64_t> written{0};
    stream.read_all(
        [&](std::uint64_t offset, BytesView bytes) {
            writer.write_at(offset, bytes);
            written += bytes.size();
        },
        std::move(stop));
    if (written != stream_.size_bytes) {
        throw CorruptionError(fmt::format("the stored database gave {} bytes of {}", written.load(),
                                          stream_.size_bytes));
    }
    report_.bytes_written = written;
}

RestoreReport RestoreNew::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    try {
        if (is_verifying_) {
            compare_pages(hidden_->file(), stream_, fingerprinter, stop);
            check_integrity(hidden_->path(), report_.warnings, stop);
            report_.is_verified = true;
        }
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        set_ownership();
        hidden_->file().sync();
        hidden_->file().close();
        give_name();
        sync_directory(target_.folder);
    } catch (const FileError& error) {
        hidden_.reset();
        throw target_failed(error);
    } catch (...) {
        hidden_.reset();
        throw;
    }
    return std::move(report_);
}

void RestoreNew::set_ownership() {
    const auto wanted = ownership_in(stream_.definition);
    if (!wanted) {
        return;
    }
    const int descriptor = hidden_->file().descriptor();
    struct stat made{};
    if (::fstat(descriptor, &made) != 0) {
        throw FileError("read the owner of", hidden_->path(), errno);
    }
    const bool is_other = made.st_uid != wanted->owner || made.st_gid != wanted->group;
    if (is_other && ::fchown(descriptor, wanted->owner, wanted->group) != 0) {
        report_.warnings.push_back(
            fmt::format("the file belongs to user {} and group {}, not to {} and {} as it did",
                        made.st_uid, made.st_gid, wanted->owner, wanted->group));
    }
    if (::fchmod(descriptor, wanted->mode) != 0) {
        throw FileError("set the permissions of", hidden_->path(), errno);
    }
}

void RestoreNew::give_name() {
    if (target_.kind == TargetKind::empty_file) {
        const auto now = facts_of(target_.path);
        if (now && now->size_bytes > 0) {
            throw appeared(target_.path);
        }
        if (::rename(hidden_->path().c_str(), target_.path.c_str()) != 0) {
            throw FileError("rename to", target_.path, errno);
        }
    } else if (!rename_no_replace(hidden_->path(), target_.path)) {
        throw appeared(target_.path);
    }
    hidden_->keep();
}

}  // namespace dbbackup::sqlite
