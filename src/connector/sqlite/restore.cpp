#include "connector/sqlite/restore.hpp"

#include "base/error.hpp"
#include "connector/sqlite/restore_new.hpp"
#include "connector/sqlite/restore_over.hpp"
#include "connector/sqlite/session.hpp"
#include "connector/sqlite/target.hpp"

#include <fmt/format.h>

#include <bit>

namespace dbbackup::sqlite {
namespace {

constexpr std::uint32_t kPageBytesMin = 512;
constexpr std::uint32_t kPageBytesMax = 65536;

void check_streams(const std::vector<StoredStream>& streams) {
    const bool is_fitting = streams.size() == 1 && streams.front().name == kStreamName &&
                            streams.front().kind == StreamKind::pages &&
                            std::has_single_bit(streams.front().page_bytes) &&
                            streams.front().page_bytes >= kPageBytesMin &&
                            streams.front().page_bytes <= kPageBytesMax &&
                            streams.front().size_bytes % streams.front().page_bytes == 0;
    if (!is_fitting) {
        throw explained<ConfigError>("the snapshot does not hold a SQLite database",
                                     "Choose a snapshot of a SQLite source.", "wrong_type");
    }
}

}  // namespace

std::unique_ptr<RestoreSession> make_restore_session(const RestoreRequest& request,
                                                     const std::vector<StoredStream>& streams,
                                                     std::chrono::milliseconds lock_timeout,
                                                     std::stop_token stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    check_streams(streams);
    Target target = examine_target(request);
    if (target.kind == TargetKind::new_file) {
        return std::make_unique<RestoreNew>(std::move(target), request, streams.front());
    }
    return std::make_unique<RestoreOver>(std::move(target), request, streams.front(), lock_timeout);
}

}  // namespace dbbackup::sqlite
