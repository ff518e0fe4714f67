#include "connector/sqlite/restore.hpp"

#include "base/error.hpp"
#include "connector/sqlite/restore_new.hpp"
#include "connector/sqlite/restore_over.hpp"
#include "connector/sqlite/restore_set.hpp"
#include "connector/sqlite/restore_tables.hpp"
#include "connector/sqlite/session.hpp"
#include "connector/sqlite/target.hpp"

#include <bit>
#include <filesystem>
#include <system_error>

namespace dbbackup::sqlite {
namespace {

constexpr std::uint32_t kPageBytesMin = 512;
constexpr std::uint32_t kPageBytesMax = 65536;

ConfigError not_sqlite() {
    return explained<ConfigError>("the snapshot does not hold a SQLite database",
                                  "Choose a snapshot of a SQLite source.", "wrong_type");
}

void check_stream(const StoredStream& stream) {
    const bool is_fitting =
        stream.kind == StreamKind::pages && std::has_single_bit(stream.page_bytes) &&
        stream.page_bytes >= kPageBytesMin && stream.page_bytes <= kPageBytesMax &&
        stream.size_bytes % stream.page_bytes == 0;
    if (!is_fitting) {
        throw not_sqlite();
    }
}

/// Whether the target of one of several databases is the file itself.
bool is_file(const RestoreRequest& request) {
    std::error_code error;  // What cannot be asked for is refused later.
    return request.extent == Extent::chosen && !request.target.ends_with('/') &&
           !std::filesystem::is_directory(request.target, error);
}

}  // namespace

std::unique_ptr<RestoreSession> make_file_session(const RestoreRequest& request,
                                                  const StoredStream& stream,
                                                  std::chrono::milliseconds lock_timeout,
                                                  std::stop_token stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    Target target = examine_target(request);
    if (target.kind == TargetKind::new_file) {
        return std::make_unique<RestoreNew>(std::move(target), request, stream);
    }
    return std::make_unique<RestoreOver>(std::move(target), request, stream, lock_timeout);
}

std::unique_ptr<RestoreSession> make_restore_session(const RestoreRequest& request,
                                                     const std::vector<StoredStream>& streams,
                                                     std::chrono::milliseconds lock_timeout,
                                                     std::stop_token stop) {
    if (streams.empty()) {
        throw not_sqlite();
    }
    for (const StoredStream& stream : streams) {
        check_stream(stream);
    }
    if (!request.selection.is_everything()) {
        return std::make_unique<RestoreTables>(examine_target(request), request, streams.front(),
                                               lock_timeout);
    }
    if (streams.size() == 1 && (streams.front().name == kStreamName || is_file(request))) {
        return make_file_session(request, streams.front(), lock_timeout, std::move(stop));
    }
    if (request.target.empty()) {
        throw explained<ConfigError>("a restore of several databases needs a folder to write to",
                                     "Add --to FOLDER.", "target_missing");
    }
    return std::make_unique<RestoreSet>(request, streams, lock_timeout, std::move(stop));
}

}  // namespace dbbackup::sqlite
