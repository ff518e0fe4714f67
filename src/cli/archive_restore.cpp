#include "cli/archive_restore.hpp"

#include "archive/archive_error.hpp"
#include "base/units.hpp"
#include "cli/archive_url.hpp"
#include "cli/restore_options.hpp"
#include "cli/restore_report.hpp"
#include "cli/source_access.hpp"
#include "cli/target_checks.hpp"
#include "config/read_value.hpp"
#include "crypto/hash.hpp"
#include "engine/archive_restore.hpp"
#include "storage/storage.hpp"
#include "sys/file_error.hpp"
#include "sys/paths.hpp"
#include "sys/scratch.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::uint64_t kChecksumFileBytesMax = 64_KiB;
constexpr std::uint64_t kFetchBytes = 8_MiB;
constexpr std::size_t kDigestDigits = 64;

/// An archive at hand, and what the file beside it says.
struct FoundArchive {
    File file;
    std::optional<Bytes> checksum_file;
};

ConfigError missing(const std::string& place) {
    return explained<ConfigError>(
        fmt::format("there is no archive {}", place),
        "Give the path or URL of one; a snapshot has neither a slash nor a suffix.",
        "archive_missing");
}

StorageError unreadable(const FileError& error) {
    return explained<StorageError>(error.what(), "Check the disk and the permissions.",
                                   "archive_unreadable");
}

/// What SQLite has not yet brought into the database would be missing in the restored one. It lies
/// beside the database itself, wherever links to that are.
void refuse_journal(const std::filesystem::path& given) {
    std::error_code unresolved;
    std::filesystem::path path = std::filesystem::canonical(given, unresolved);
    path = unresolved ? given : path;
    for (const char* const suffix : {"-wal", "-journal"}) {
        std::error_code error;
        const std::filesystem::path journal = path.native() + suffix;
        if (const auto size = std::filesystem::file_size(journal, error); !error && size > 0) {
            throw explained<ConfigError>(
                fmt::format("{} is a database in use, not an archive: {} belongs to it",
                            path.native(), journal.native()),
                "Take it with db-backup backup, and restore that.", "archive_in_use");
        }
    }
}

FoundArchive find_file(const std::string& given) {
    const std::filesystem::path path = absolute_path(given);
    struct stat status{};
    const bool is_known = ::stat(path.c_str(), &status) == 0;
    if (!is_known && (errno == ENOENT || errno == ENOTDIR)) {
        throw missing(path.native());
    }
    if (S_ISDIR(status.st_mode)) {
        throw explained<ConfigError>(fmt::format("{} is a folder", path.native()),
                                     "Give the archive in it; a repository is named by "
                                     "--repository.",
                                     "archive_missing");
    }
    // It is read at any place, and more than once; and to open a pipe may take for ever.
    if (is_known && !S_ISREG(status.st_mode)) {
        throw explained<ConfigError>(fmt::format("{} is no ordinary file", path.native()),
                                     "Bring the archive into a file first.", "archive_missing");
    }
    refuse_journal(path);
    FoundArchive found{File::open(path, File::Mode::read), std::nullopt};
    const std::filesystem::path checksum = path.native() + kChecksumSuffix;
    std::error_code unknown;
    const auto type = std::filesystem::status(checksum, unknown).type();
    if (type != std::filesystem::file_type::fifo && type != std::filesystem::file_type::socket) {
        found.checksum_file = read_file(checksum, kChecksumFileBytesMax);
    }
    return found;
}

/// Brings the object into a file without a name, so that it is fetched once.
FoundArchive fetch(const std::string& given, const std::vector<std::filesystem::path>& folders,
                   const CommandContext& context) {
    const ArchiveUrl url = ArchiveUrl::parse(given);
    const std::unique_ptr<Storage> storage = open_place(url, CreatePlace::no, context);
    const std::optional<std::uint64_t> size = storage->size_bytes(url.name, context.stop);
    if (!size) {
        throw missing(given);
    }
    FoundArchive found{File::temporary(roomiest(folders)), std::nullopt};
    for (std::uint64_t offset = 0; offset < *size; offset += kFetchBytes) {
        const std::uint64_t wanted = std::min(kFetchBytes, *size - offset);
        const std::optional<Bytes> part =
            storage->get_range(url.name, {offset, wanted}, context.stop);
        if (!part || part->size() != wanted) {
            throw explained<StorageError>(fmt::format("{} changed while it was read", given),
                                          "Try again.", "archive_unreadable");
        }
        try {
            found.file.write_at(offset, *part);
        } catch (const FileError& error) {
            throw explained<SourceError>(fmt::format("cannot fetch the archive: {}", error.what()),
                                         "Free some space there, or name another folder in TMPDIR.",
                                         "unpack_failed");
        }
    }
    found.checksum_file = storage->get(ObjectName(url.name.text() + kChecksumSuffix), context.stop);
    return found;
}

/// The digest in a line of sha256sum(1). Nothing when it is none.
std::optional<Bytes> digest_in(BytesView checksum_file) {
    std::string_view text = as_text(checksum_file);
    if (text.starts_with('\\')) {
        text.remove_prefix(1);  // the name that follows is escaped
    }
    std::string digits(text.substr(0, kDigestDigits));
    std::ranges::transform(digits, digits.begin(), [](unsigned char each) {
        return static_cast<char>(std::tolower(each));
    });
    const bool is_whole = text.size() == kDigestDigits ||
                          (text.size() > kDigestDigits &&
                           std::isspace(static_cast<unsigned char>(text[kDigestDigits])) != 0);
    Bytes digest = from_hex(digits);
    return is_whole && digest.size() == Digest{}.size() ? std::optional(std::move(digest))
                                                        : std::nullopt;
}

/// @return Whether there was something to compare with.
bool verify_checksum(const FoundArchive& archive, const std::string& place,
                     const std::stop_token& stop) {
    if (!archive.checksum_file) {
        return false;
    }
    const std::optional<Bytes> expected = digest_in(*archive.checksum_file);
    if (!expected) {
        throw explained<CorruptionError>(
            fmt::format("{}{} is no checksum file", place, kChecksumSuffix),
            "Move it away to restore without it.", "archive_damaged");
    }
    Sha256 hash;
    PackedRange range(archive.file, 0, archive.file.size_bytes());
    for (BytesView part = range.next(); !part.empty(); part = range.next()) {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        hash.update(part);
    }
    const Digest found = hash.finish();
    if (!std::ranges::equal(found, *expected)) {
        throw archive_damaged(fmt::format("{} is not what its checksum {}{} was made of", place,
                                          place, kChecksumSuffix));
    }
    return true;
}

void check_arguments(const RestoreArguments& arguments, const CommandContext& context) {
    const auto refuse = [](std::string_view option, std::string_view hint) {
        throw explained<ConfigError>(fmt::format("{} does not go with an archive", option),
                                     std::string(hint), "usage");
    };
    constexpr std::string_view kSnapshotsOnly = "It chooses among snapshots: leave it out.";
    if (arguments.source) {
        refuse("--source", kSnapshotsOnly);
    }
    if (!arguments.tags.empty()) {
        refuse("--tag", kSnapshotsOnly);
    }
    if (context.globals.repository) {
        refuse("--repository", "An archive lies in none: leave it out.");
    }
    if (arguments.is_partial) {
        refuse("--partial", "Leave it out: what is left of a damaged archive, its own tools tell.");
    }
}

/// Restoring over the archive would destroy it.
void refuse_same_file(const File& archive, const std::string& target) {
    struct stat left{};
    struct stat right{};
    if (::fstat(archive.descriptor(), &left) == 0 && ::stat(target.c_str(), &right) == 0 &&
        left.st_dev == right.st_dev && left.st_ino == right.st_ino) {
        throw explained<ConfigError>(fmt::format("the target {} is the archive itself", target),
                                     "Restore to another path with --to.", "target_is_source");
    }
}

/// A file is no server, and a server no file.
void check_place(const std::string& target, DatabaseType type) {
    const bool is_sqlite = type == DatabaseType::sqlite;
    const bool is_server = target.starts_with("postgresql://") || target.starts_with("postgres://");
    const bool is_connection = is_server || target.find('=') != std::string::npos;
    if (is_sqlite ? is_server : !is_connection) {
        throw explained<ConfigError>(
            fmt::format("the archive is of {}, and the target {} is not", word_of(type),
                        masked_uri(target)),
            is_sqlite ? "Give a path: --to FILE." : "Give the URI of a server: --to URI.",
            "target_of_another_kind");
    }
}

/// The disk of the target has to hold the database anyway; else where temporary files go.
std::vector<std::filesystem::path> unpacking_folders(const std::string& target) {
    std::vector<std::filesystem::path> folders = temporary_folders();
    std::filesystem::path beside = absolute_path(target);
    std::error_code error;
    if (!std::filesystem::is_directory(beside, error)) {
        beside = beside.parent_path();
    }
    if (std::filesystem::is_directory(beside, error)) {
        folders.push_back(std::move(beside));
    }
    return folders;
}

FoundArchive find(const std::string& given, const std::vector<std::filesystem::path>& folders,
                  const CommandContext& context) {
    if (given.find("://") == std::string::npos) {
        return find_file(given);
    }
    const StorageUrl url = StorageUrl::parse(given);
    return url.type() == StorageType::local ? find_file(url.path) : fetch(given, folders, context);
}

}  // namespace

bool is_archive_name(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool is_suffix = text[at] == '.' && at + 1 < text.size() &&
                               std::isalpha(static_cast<unsigned char>(text[at + 1])) != 0;
        if (text[at] == '/' || is_suffix) {
            return true;
        }
    }
    return false;
}

ExitCode restore_archive_file(const RestoreArguments& arguments, CommandContext& context) {
    check_arguments(arguments, context);
    check_target(arguments, DatabaseType::sqlite);
    refuse_own_output(*arguments.target);
    RestoreOptions options = restore_options(arguments);
    std::vector<std::string> restored;
    options.on_database = [&](const std::string& database) {
        restored.push_back(database);
        context.left_by_stop = left_text(restored);
    };
    const std::vector<std::filesystem::path> folders = unpacking_folders(options.target);
    RestoreOutcome outcome;
    RestoredArchive from{arguments.snapshot, "", false};
    try {
        Progress progress;
        const ProgressLine line(progress,
                                context.progress("restoring " + masked_uri(options.target)),
                                context.errors, context.log);
        const FoundArchive found = find(arguments.snapshot, folders, context);
        refuse_same_file(found.file, options.target);
        from.is_checksum_verified = verify_checksum(found, arguments.snapshot, context.stop);
        const ArchiveReader reader(found.file);
        from.kind = archive_kind_name(reader.kind());
        if (found.file.size_bytes() == 0 && !from.is_checksum_verified) {
            throw archive_damaged(fmt::format("{} is empty", arguments.snapshot));
        }
        SourceOptions target;
        target.type = reader.manifest().type;
        check_place(options.target, target.type);
        target.lock_timeout = arguments.lock_timeout.value_or(target.lock_timeout);
        const std::unique_ptr<Connector> connector =
            make_connector(std::move(target), context.plugins);
        outcome = restore_archive({found.file, reader}, *connector, options, folders,
                                  context.engine(progress), context.stop);
    } catch (const FileError& error) {
        throw unreadable(error);
    }
    context.is_done = true;
    options.target = masked_uri(options.target);  // From here on it is shown.
    if (!options.is_dry_run) {
        context.log.info("restored an archive",
                         {{"archive", arguments.snapshot},
                          {"target", options.target},
                          {"bytes_written", std::to_string(outcome.report.bytes_written)},
                          {"duration_s", fmt::format("{:.3f}", outcome.duration_s)}});
    }
    return report_restore(outcome, options, from, context);
}

}  // namespace dbbackup
