#include "cli/archive_target.hpp"

#include "base/error.hpp"
#include "cli/archive_url.hpp"
#include "cli/target_checks.hpp"
#include "storage/registry.hpp"
#include "sys/file_error.hpp"
#include "sys/paths.hpp"
#include "sys/unfinished_file.hpp"
#include "sys/write_behind.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

/// One line as sha256sum(1) writes it, which marks and escapes names with breaks or backslashes.
std::string checksum_line(const Digest& digest, std::string_view name) {
    std::string escaped;
    for (const char each : name) {
        escaped += each == '\\' ? "\\\\" : each == '\n' ? "\\n" : std::string(1, each);
    }
    return fmt::format("{}{}  {}\n", escaped == name ? "" : "\\", to_hex(digest), escaped);
}

StorageError not_written(const FileError& error) {
    return explained<StorageError>(error.what(),
                                   error.is_full_disk() ? "Free some space, or write it elsewhere."
                                                        : "Check the disk, or write it elsewhere.",
                                   error.is_full_disk() ? "archive_full" : "archive_failed");
}

ConfigError is_there(const std::string& place) {
    return explained<ConfigError>(fmt::format("{} already exists", place),
                                  "Give another name, or move it away: nothing is overwritten.",
                                  "target_not_empty");
}

/// A file, which has no name before it is whole.
class FileTarget final : public ArchiveTarget {
public:
    explicit FileTarget(const std::filesystem::path& path)
        : ArchiveTarget(path.native(), path.filename().native()),
          path_(path),
          checksum_path_(path.native() + kChecksumSuffix),
          archive_(path),
          writer_(archive_.file()) {}

private:
    void put(BytesView content) override {
        try {
            writer_.write_at(size_bytes(), content);
        } catch (const FileError& error) {
            throw not_written(error);
        }
    }

    std::optional<std::string> publish(const std::string& checksum) override {
        try {
            archive_.file().sync();
            // Before the archive has its name: a full disk must not leave it without a checksum.
            UnfinishedFile beside(checksum_path_);
            beside.file().write_at(0, as_bytes(checksum));
            beside.file().sync();
            if (!archive_.publish()) {
                throw is_there(path_.native());
            }
            if (!beside.publish()) {
                throw explained<StorageError>(
                    fmt::format("{} is whole, but {} was made by somebody else meanwhile",
                                path_.native(), checksum_path_.native()),
                    "Make its checksum with sha256sum.", "archive_failed");
            }
            sync_directory(path_.parent_path());
        } catch (const FileError& error) {
            throw not_written(error);
        }
        return checksum_path_.native();
    }

    std::filesystem::path path_;
    std::filesystem::path checksum_path_;
    UnfinishedFile archive_;
    WriteBehind writer_;
};

class StdoutTarget final : public ArchiveTarget {
public:
    explicit StdoutTarget(Output& output) : ArchiveTarget("-", "-"), output_(output) {}

private:
    void put(BytesView content) override { output_.content(content); }
    std::optional<std::string> publish(const std::string& /*checksum*/) override { return {}; }

    Output& output_;
};

/// An object of a store.
class UploadTarget final : public ArchiveTarget {
public:
    UploadTarget(const ArchiveUrl& url, std::unique_ptr<Storage> storage, std::stop_token stop)
        : ArchiveTarget(url.text, url.name.text()),
          name_(url.name),
          checksum_name_(url.name.text() + kChecksumSuffix),
          checksum_place_(url.checksum_text),
          stop_(std::move(stop)),
          storage_(std::move(storage)) {
        for (const ObjectName& each : {name_, checksum_name_}) {
            if (storage_->size_bytes(each, stop_)) {
                throw is_there(fmt::format("{} in {}", each.text(), storage_->url()));
            }
        }
        upload_ = storage_->begin_upload(name_, stop_);
    }

private:
    void put(BytesView content) override { upload_->write(content, stop_); }

    std::optional<std::string> publish(const std::string& checksum) override {
        if (upload_->commit(stop_) == PutResult::exists) {
            throw is_there(place());
        }
        try {
            // The archive is there: nothing stops what is left of the work.
            if (storage_->put(checksum_name_, as_bytes(checksum), {}) == PutResult::created) {
                return checksum_place_;
            }
        } catch (StorageError& error) {
            error.add_context(fmt::format("{} is whole, but has no checksum beside it", place()));
            throw;
        }
        throw explained<StorageError>(
            fmt::format("{} is whole, but {} was made by somebody else meanwhile", place(),
                        checksum_place_),
            "Make its checksum with sha256sum.", "archive_failed");
    }

    ObjectName name_;
    ObjectName checksum_name_;
    std::string checksum_place_;
    std::stop_token stop_;
    std::unique_ptr<Storage> storage_;
    std::unique_ptr<Upload> upload_;  ///< Goes before the storage.
};

std::unique_ptr<ArchiveTarget> open_file(const std::string& output, const std::string& repository) {
    refuse_own_output(output);
    if (!repository.empty()) {
        refuse_target_inside(repository, output);
    }
    const std::filesystem::path path = absolute_path(output);
    refuse_repository(path);
    std::error_code error;
    if (!path.has_filename() || std::filesystem::is_directory(path, error)) {
        throw explained<ConfigError>(fmt::format("{} is a folder", output),
                                     "Give the name of a file in it.", "target_is_folder");
    }
    for (const std::filesystem::path& each :
         {path, std::filesystem::path(path.native() + kChecksumSuffix)}) {
        const auto type = std::filesystem::symlink_status(each, error).type();
        if (type != std::filesystem::file_type::not_found &&
            type != std::filesystem::file_type::none) {
            throw is_there(each.native());
        }
    }
    try {
        return std::make_unique<FileTarget>(path);
    } catch (const FileError& failure) {
        const bool is_missing = failure.error_number() == ENOENT;
        throw explained<ConfigError>(
            is_missing ? fmt::format("there is no folder {}", path.parent_path().native())
                       : fmt::format("cannot write to {}: {}", path.native(),
                                     std::generic_category().message(failure.error_number())),
            is_missing ? "Make the folder first, or give another path."
                       : "Give a path in a folder that this user may write.",
            is_missing ? "target_missing_folder" : "target_not_writable");
    }
}

std::unique_ptr<ArchiveTarget> open_stdout(CommandContext& context) {
    if (context.output.is_json()) {
        throw explained<ConfigError>("--json and an archive on standard output exclude each other",
                                     "Write the archive to a file, or leave --json out.", "usage");
    }
    if (context.terminal.is_terminal) {
        throw explained<ConfigError>("an archive is not written to a terminal",
                                     "Write it to a pipe or a file, or give -o FILE.",
                                     "output_is_terminal");
    }
    return std::make_unique<StdoutTarget>(context.output);
}

/// What the end of a name says of a file.
struct Suffix {
    std::string_view text;
    CompressionKind kind;
};
constexpr std::array<Suffix, 8> kSuffixes = {{{".gz", CompressionKind::gzip},
                                              {".zst", CompressionKind::zstd},
                                              {".zip", CompressionKind::zip},
                                              {".sqlite", CompressionKind::none},
                                              {".sqlite3", CompressionKind::none},
                                              {".db", CompressionKind::none},
                                              {".db3", CompressionKind::none},
                                              {".sql", CompressionKind::none}}};

std::optional<CompressionKind> kind_of_name(const std::string& output) {
    std::string lower = output.substr(0, output.find('?'));
    for (char& each : lower) {
        each = static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
    }
    for (const Suffix& suffix : kSuffixes) {
        if (lower.ends_with(suffix.text)) {
            return suffix.kind;
        }
    }
    return std::nullopt;
}

}  // namespace

ArchiveTarget::ArchiveTarget(std::string place, std::string name)
    : place_(std::move(place)), name_(std::move(name)) {}

void ArchiveTarget::write(BytesView content) {
    put(content);
    hash_.update(content);
    size_bytes_ += content.size();
}

WrittenArchive ArchiveTarget::commit() {
    WrittenArchive written;
    written.place = place_;
    written.size_bytes = size_bytes_;
    written.sha256 = hash_.finish();
    written.checksum_place = publish(checksum_line(written.sha256, name_));
    return written;
}

std::unique_ptr<ArchiveTarget> open_archive_target(const std::string& output,
                                                   const std::string& repository,
                                                   CommandContext& context) {
    if (output == "-") {
        return open_stdout(context);
    }
    if (output.find("://") == std::string::npos) {
        return open_file(output, repository);
    }
    const StorageUrl url = StorageUrl::parse(output);
    if (url.type() == StorageType::local) {
        return open_file(url.path, repository);
    }
    const ArchiveUrl object = ArchiveUrl::parse(output);
    refuse_repository(object, context);
    return std::make_unique<UploadTarget>(object, open_place(object, CreatePlace::yes, context),
                                          context.stop);
}

Compression archive_compression(const std::optional<Compression>& asked, const std::string& output,
                                const std::optional<Compression>& configured) {
    const std::optional<CompressionKind> named = kind_of_name(output);
    if (!asked) {
        return configured && (!named || configured->kind == *named) ? *configured
               : named                                              ? Compression{*named, 0}
                                                                    : Compression{};
    }
    if (named && *named != CompressionKind::none && *named != asked->kind) {
        throw explained<ConfigError>(
            fmt::format("--compression {} does not go with the name {}", asked->text(), output),
            "Leave --compression out, or give another name.", "usage");
    }
    return *asked;
}

}  // namespace dbbackup
