#include "examples/csv_restore.hpp"

#include "base/units.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kCompareBytes = 1_MiB;

/// The folder without a slash at the end.
fs::path folder_named(const std::string& text) {
    fs::path path = fs::path(text).lexically_normal();
    return path.has_filename() ? path : path.parent_path();
}

class CsvRestore final : public RestoreSession {
public:
    explicit CsvRestore(const RestoreRequest& request)
        : target_(folder_named(request.target)), verifies_(request.verify) {
        const fs::file_status target = fs::symlink_status(target_);
        if (fs::exists(target) && !fs::is_directory(target)) {
            throw explained<ConfigError>(fmt::format("{} is no folder", target_.native()),
                                         "Restore to another path with --to.",
                                         "target_not_a_folder");
        }
        if (fs::exists(target) && request.overwrite == Overwrite::no) {
            throw already_there();
        }
        if (!fs::is_directory(folder_of_target())) {
            throw explained<ConfigError>(
                fmt::format("there is no folder {}", folder_of_target().native()), "Make it.",
                "target_missing_folder");
        }
        plan_.steps = {fmt::format("Write the files to {}.", target_.native())};
        plan_.overwrites = fs::exists(target);
    }

    CsvRestore(const CsvRestore&) = delete;
    CsvRestore& operator=(const CsvRestore&) = delete;
    ~CsvRestore() override {
        std::error_code ignored;
        fs::remove_all(unfinished_, ignored);
    }

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }

    void apply(StreamReader& stream, std::stop_token stop) override {
        const std::string& name = stream.stream().name;
        // What is in a repository may come from anywhere: no name leads out of the folder.
        if (name.find('/') != std::string::npos || name.starts_with('.')) {
            throw CorruptionError(fmt::format("'{}' is no name of a file", name));
        }
        of_source([&] {
            make_unfinished();
            File file = File::open(unfinished_ / name, File::Mode::write_new, 0644);
            stream.read_all(
                [&](std::uint64_t offset, BytesView part) { file.write_at(offset, part); }, stop);
            file.sync();
            if (verifies_) {
                compare(stream, file, stop);
            }
            file.close();
        });
        report_.bytes_written += stream.stream().size_bytes;
        report_.rows += stream.stream().row_count;
    }

    RestoreReport finish(const Fingerprinter& /*fingerprinter*/,
                         std::stop_token /*stop*/) override {
        of_source([this] {
            make_unfinished();  // There may have been no file at all.
            sync_directory(unfinished_);
            if (plan_.overwrites) {
                // At once; what was there goes with the destructor.
                exchange(unfinished_, target_);
            } else if (!rename_no_replace(unfinished_, target_)) {
                throw already_there();
            }
            sync_directory(folder_of_target());
        });
        report_.is_verified = verifies_;
        return report_;
    }

private:
    [[nodiscard]] fs::path folder_of_target() const {
        return target_.has_parent_path() ? target_.parent_path() : ".";
    }

    [[nodiscard]] ConfigError already_there() const {
        return explained<ConfigError>(fmt::format("{} is there already", target_.native()),
                                      "Restore to another path with --to, or replace it with "
                                      "--clean.",
                                      "target_not_empty");
    }

    /// A folder that nobody else has, beside the target.
    void make_unfinished() {
        if (unfinished_.empty()) {
            std::string name = (folder_of_target() / ".restoring-XXXXXX").native();
            if (::mkdtemp(name.data()) == nullptr) {
                throw FileError("make a folder beside", target_, errno);
            }
            unfinished_ = name;
        }
    }

    static void exchange(const fs::path& one, const fs::path& other) {
        if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0) {
            throw FileError("replace", other, errno);
        }
    }

    static void compare(StreamReader& stream, const File& file, const std::stop_token& stop) {
        for (std::uint64_t at = 0; at < stream.stream().size_bytes; at += kCompareBytes) {
            const std::uint64_t end = std::min(at + kCompareBytes, stream.stream().size_bytes);
            Bytes stored(end - at);
            stream.read_at(at, stored, stop);
            if (read_range(file, at, end) != stored) {
                throw explained<SourceError>(
                    fmt::format("{} holds something else than was written", file.path().native()),
                    "Look at its disk.", "verification_failed");
            }
        }
    }

    fs::path target_;
    fs::path unfinished_;  ///< Empty until something was written.
    bool verifies_;
    RestorePlan plan_;
    RestoreReport report_;
};

}  // namespace

Bytes read_range(const File& file, std::uint64_t first, std::uint64_t end) {
    Bytes bytes(end - first);
    if (file.read_at(first, bytes) != bytes.size()) {
        throw SourceError(fmt::format("{} became shorter", file.path().native()));
    }
    return bytes;
}

std::unique_ptr<RestoreSession> make_csv_restore(const RestoreRequest& request) {
    return std::make_unique<CsvRestore>(request);
}

}  // namespace dbbackup
