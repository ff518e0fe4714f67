#include "connector/sqlite/restore_new.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/sqlite/image_file.hpp"
#include "connector/sqlite/target_database.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup::sqlite {

RestoreNew::RestoreNew(Target target, const RestoreRequest& request, const StoredStream& stream)
    : target_(std::move(target)), stream_(stream), is_verifying_(request.verify) {
    plan_.source_version = request.server_version;
    plan_.target_state = state_of(target_);
    plan_.bytes_needed = stream_.size_bytes;
    plan_.bytes_free = target_.bytes_free;
    plan_.steps.push_back(fmt::format("Write {} to a file without a name in {}.",
                                      format_size(stream_.size_bytes), target_.folder.native()));
    if (is_verifying_) {
        plan_.steps.emplace_back("Check every page against the snapshot, and run integrity_check.");
    }
    plan_.steps.push_back(fmt::format("Name it {}.", target_.path.native()));
    if (plan_.bytes_needed > plan_.bytes_free) {
        plan_.warnings.push_back(fmt::format("{} are needed, but only {} are free",
                                             format_size(plan_.bytes_needed),
                                             format_size(plan_.bytes_free)));
    }
}

void RestoreNew::apply(StreamReader& stream, std::stop_token stop) {
    refuse_full(target_, plan_.bytes_needed);
    try {
        written_.emplace(target_.path);
        written_->file().reserve(0, plan_.bytes_needed);
        write_image(written_->file(), stream, std::move(stop));
        report_.bytes_written = stream_.size_bytes;
    } catch (const FileError& error) {
        written_.reset();
        throw target_failed(error);
    } catch (...) {
        written_.reset();
        throw;
    }
}

RestoreReport RestoreNew::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    try {
        if (is_verifying_) {
            prove_image(written_->file(), stream_, fingerprinter,
                        fmt::format("{} was not made", target_.path.native()), report_.warnings,
                        stop);
            report_.is_verified = true;
        }
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        set_ownership(written_->file(), target_, stream_.definition, report_.warnings);
        written_->file().sync();
        give_name(*written_, target_);
    } catch (const FileError& error) {
        written_.reset();
        throw target_failed(error);
    } catch (...) {
        written_.reset();
        throw;
    }
    sync_folder(target_);
    return std::move(report_);
}

}  // namespace dbbackup::sqlite
