#include "engine/archive_restore.hpp"

#include "archive/archive_error.hpp"
#include "archive/sqlite_image.hpp"
#include "base/units.hpp"
#include "connector/archive_files.hpp"
#include "crypto/hash.hpp"
#include "engine/restore_supply.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

/// Whole pages of every size.
constexpr std::uint64_t kBlockBytes = 1_MiB;
constexpr std::size_t kKeyBytes = 32;

SourceError not_unpacked(const std::filesystem::path& folder, const FileError& error) {
    return explained<SourceError>(
        fmt::format("cannot unpack the archive in {}: {}", folder.native(),
                    std::generic_category().message(error.error_number())),
        "Free some space there, or name another folder in TMPDIR.", "unpack_failed");
}

CorruptionError changed() { return archive_damaged("the archive changed while it was read"); }

/// One database, in a file where it can be read at any place.
class UnpackedDatabase final : public StreamReader {
public:
    /// @param unpacked Nothing: it is `archive` itself.
    UnpackedDatabase(StoredStream stream, const File& archive, std::optional<File> unpacked,
                     const Fingerprinter& fingerprinter, Progress& progress, std::stop_token stop)
        : stream_(std::move(stream)),
          archive_(archive),
          unpacked_(std::move(unpacked)),
          fingerprinter_(fingerprinter),
          progress_(progress) {
        stream_.fingerprint = read([](std::uint64_t, BytesView) {}, std::move(stop));
    }

    [[nodiscard]] const StoredStream& stream() const override { return stream_; }

    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) override {
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if ((unpacked_ ? *unpacked_ : archive_).read_at(offset, out) != out.size()) {
            throw changed();
        }
    }

    void read_all(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                  std::stop_token stop) override {
        const auto counted = [&](std::uint64_t offset, BytesView bytes) {
            visit(offset, bytes);
            progress_.bytes_done += bytes.size();
        };
        if (read(counted, std::move(stop)) != stream_.fingerprint) {
            throw changed();
        }
    }

private:
    Fingerprint read(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                     std::stop_token stop) {
        Fingerprint sum;
        Bytes block;
        for (std::uint64_t offset = 0; offset < stream_.size_bytes; offset += kBlockBytes) {
            block.resize(std::min<std::uint64_t>(kBlockBytes, stream_.size_bytes - offset));
            read_at(offset, block, stop);
            sum += stream_.kind == StreamKind::pages
                       ? fingerprinter_.of_pages(block, stream_.page_bytes,
                                                 offset / stream_.page_bytes)
                       : fingerprinter_.of(block, offset);
            visit(offset, block);
        }
        return sum;
    }

    StoredStream stream_;
    const File& archive_;
    std::optional<File> unpacked_;
    const Fingerprinter& fingerprinter_;
    Progress& progress_;
};

/// Sees what an archive holds, and tells what it is.
class ContentCheck {
public:
    ContentCheck(DatabaseType type, std::string name) : type_(type), name_(std::move(name)) {}

    void add(BytesView part) {
        const std::size_t wanted =
            type_ == DatabaseType::sqlite ? kSqliteHeaderBytes : kLineBytesMax;
        if (head_.size() < wanted && head_.find('\n') == std::string::npos) {
            head_ += as_text(part.first(std::min(part.size(), wanted - head_.size())));
        }
        tail_ += as_text(part.last(std::min(part.size(), kScriptEnd.size())));
        tail_.erase(0, tail_.size() - std::min(tail_.size(), kScriptEnd.size()));
        size_bytes_ += part.size();
    }

    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }

    /// @throws ConfigError (code "archive_unknown"), CorruptionError (code "archive_damaged").
    [[nodiscard]] StoredStream stream() const {
        StoredStream stream;
        stream.name = name_;
        stream.size_bytes = size_bytes_;
        if (type_ == DatabaseType::sqlite) {
            stream.kind = StreamKind::pages;
            stream.page_bytes = checked_page_bytes(as_bytes(head_), size_bytes_);
            return stream;
        }
        stream.kind = StreamKind::opaque;
        if (name_ == kArchivedDatabase) {
            stream.definition = definition();
        }
        return stream;
    }

private:
    [[nodiscard]] std::string definition() const {
        const std::string begin = fmt::format("{}{}: ", kScriptBegin, word_of(type_));
        const std::size_t end = head_.find('\n');
        if (!head_.starts_with(begin) || end == std::string::npos || tail_ != kScriptEnd) {
            throw archive_damaged("the script in the archive is cut off");
        }
        return head_.substr(begin.size(), end - begin.size());
    }

    static constexpr std::size_t kLineBytesMax = 4_MiB;

    DatabaseType type_;
    std::string name_;
    std::string head_;
    std::string tail_;
    std::uint64_t size_bytes_ = 0;
};

/// The databases of an archive that are restored. Everything is borrowed.
class ArchiveSupply final : public RestoreSupply {
public:
    /// Checks all of them.
    ArchiveSupply(const OpenArchive& archive, std::vector<std::size_t> chosen,
                  const std::vector<std::filesystem::path>& folders, Progress& progress,
                  std::stop_token stop)
        : archive_(archive),
          chosen_(std::move(chosen)),
          folders_(folders),
          progress_(progress),
          fingerprinter_(random_bytes(kKeyBytes)),
          open_(chosen_.size()) {
        if (chosen_.size() == 1) {
            open_.front() = unpack(0, stop);
            streams_.push_back(open_.front()->stream());
            return;
        }
        for (std::size_t index = 0; index < chosen_.size(); ++index) {
            streams_.push_back(decode(index, nullptr, stop));
        }
    }

    [[nodiscard]] const std::vector<StoredStream>& streams() const override { return streams_; }
    [[nodiscard]] StreamReader& open(std::size_t index, std::stop_token stop) override {
        if (!open_[index]) {
            open_[index] = unpack(index, std::move(stop));
        }
        return *open_[index];
    }
    void close(std::size_t index) override { open_[index].reset(); }
    [[nodiscard]] const Fingerprinter& fingerprinter() const override { return fingerprinter_; }

private:
    /// Decodes and checks a database. @param unpacked Where to, or null.
    StoredStream decode(std::size_t index, File* unpacked, std::stop_token stop) const {
        const std::size_t number = chosen_[index];
        const ArchiveManifest& manifest = archive_.reader.manifest();
        ContentCheck check(manifest.type, manifest.databases[number].name);
        archive_.reader.decode(
            number,
            [&](BytesView part) {
                if (unpacked != nullptr) {
                    write_unpacked(*unpacked, check.size_bytes(), part);
                }
                check.add(part);
            },
            std::move(stop));
        return check.stream();
    }

    static void write_unpacked(File& file, std::uint64_t offset, BytesView part) {
        try {
            file.write_at(offset, part);
        } catch (const FileError& error) {
            throw not_unpacked(file.path(), error);
        }
    }

    std::unique_ptr<UnpackedDatabase> unpack(std::size_t index, std::stop_token stop) {
        std::optional<File> file;
        if (!archive_.reader.is_plain()) {
            const std::filesystem::path folder = roomiest(folders_);
            try {
                file = File::temporary(folder);
            } catch (const FileError& error) {
                throw not_unpacked(folder, error);
            }
        }
        StoredStream stream = decode(index, file ? &*file : nullptr, stop);
        return std::make_unique<UnpackedDatabase>(std::move(stream), archive_.file, std::move(file),
                                                  fingerprinter_, progress_, std::move(stop));
    }

    const OpenArchive& archive_;
    std::vector<std::size_t> chosen_;
    const std::vector<std::filesystem::path>& folders_;
    Progress& progress_;
    Fingerprinter fingerprinter_;
    std::vector<StoredStream> streams_;
    std::vector<std::unique_ptr<UnpackedDatabase>> open_;
};

/// As the streams of a snapshot, to choose from.
std::vector<StoredStream> named_streams(const ArchiveManifest& manifest) {
    std::vector<StoredStream> streams;
    for (const ArchivedDatabase& each : manifest.databases) {
        streams.emplace_back();
        streams.back().name = each.name;
    }
    return streams;
}

}  // namespace

std::filesystem::path roomiest(const std::vector<std::filesystem::path>& folders) {
    std::filesystem::path best;
    std::uint64_t bytes_best = 0;
    for (const std::filesystem::path& folder : folders) {
        try {
            const std::uint64_t bytes = free_bytes(folder);
            if (bytes > bytes_best) {
                bytes_best = bytes;
                best = folder;
            }
        } catch (const FileError&) {
            continue;  // Another one may do.
        }
    }
    if (best.empty()) {
        throw explained<SourceError>("there is no folder with room to unpack the archive",
                                     "Name one in TMPDIR.", "unpack_failed");
    }
    return best;
}

RestoreOutcome restore_archive(const OpenArchive& archive, Connector& connector,
                               const RestoreOptions& options,
                               const std::vector<std::filesystem::path>& folders,
                               const Context& context, std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    const ArchiveManifest& manifest = archive.reader.manifest();
    RestoreOutcome outcome;
    outcome.snapshot.source_name = manifest.source_name;
    outcome.snapshot.type = manifest.type;
    const std::vector<StoredStream> all = named_streams(manifest);
    const StreamChoice choice = choose_streams(manifest.type, all, options.selection);
    outcome.is_of_tables = !choice.within.is_everything();
    std::vector<std::size_t> chosen;
    for (std::size_t index = 0; index < all.size(); ++index) {
        if (choice.names.contains(all[index].name)) {
            chosen.push_back(index);
            if (are_several_databases(manifest.type, all)) {
                outcome.databases.push_back(all[index].name);
            }
        }
    }
    context.progress.phase = Phase::verifying;
    ArchiveSupply supply(archive, std::move(chosen), folders, context.progress, stop);
    RestoreRequest request;
    request.target = options.target;
    request.overwrite = options.overwrite;
    request.verify = options.verify;
    request.jobs = options.jobs;
    request.keeps_owners = options.keeps_owners;
    request.keeps_privileges = options.keeps_privileges;
    request.makes_roles = options.makes_roles;
    request.server_version = manifest.server_version.empty() ? "unknown" : manifest.server_version;
    request.selection = choice.within;
    request.extent = choice.is_a_part ? Extent::chosen : Extent::everything;
    for (const StoredStream& stream : supply.streams()) {
        request.source_bytes += stream.size_bytes;
        if (!stream.definition.empty()) {
            request.state = stream.definition;  // A script says all of it in its first line.
        }
    }
    carry_out(supply, request, connector, options, context, outcome, std::move(stop));
    outcome.bytes_fetched = archive.file.size_bytes();
    outcome.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return outcome;
}

}  // namespace dbbackup
