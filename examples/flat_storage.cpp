#include "examples/flat_storage.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "storage/operation.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"
#include "sys/unfinished_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kStepBytes = 1_MiB;  // Between two looks at the stop token.
/// A name of an object may be longer than one of a file: then "~" ends a folder's part of it.
constexpr std::size_t kPartBytes = 200;

/// Runs `action`; what the system refused is an error of the store, exit code 30. Whether it may
/// help to try again is for the store to say, and whether it is done for RetryingStorage.
template <class Action>
auto of_store(Action action) {
    try {
        return action();
    } catch (const FileError& error) {
        const bool may_pass = error.error_number() == ETIMEDOUT || error.error_number() == EAGAIN;
        throw StorageError(error.what(), may_pass ? Retry::may_help : Retry::never);
    } catch (const fs::filesystem_error& error) {
        throw StorageError(error.what());
    }
}

/// Makes a new file visible under its name, or tells that somebody has that name.
PutResult publish(UnfinishedFile& unfinished, const fs::path& path) {
    unfinished.file().sync();  // The content before the name.
    const bool is_new = unfinished.publish();
    // Also when it is another's: whoever is told "exists" may rely on it.
    sync_directory(path.parent_path());
    return is_new ? PutResult::created : PutResult::exists;
}

/// A large object, on the disk and without a name until its commit.
class FlatUpload final : public Upload {
public:
    explicit FlatUpload(fs::path path) : path_(std::move(path)), unfinished_(path_) {}

    void write(BytesView piece, std::stop_token stop) override {
        is_whole_ = false;
        throw_if_stopped(stop);
        of_store([&] { unfinished_.file().write_at(size_bytes_, piece); });
        size_bytes_ += piece.size();
        is_whole_ = true;
    }

    PutResult commit(std::stop_token stop) override {
        throw_if_stopped(stop);
        if (!is_whole_) {
            throw StorageError(fmt::format("a piece of {} is missing", path_.native()));
        }
        return of_store([this] { return publish(unfinished_, path_); });
    }

private:
    fs::path path_;
    UnfinishedFile unfinished_;
    std::uint64_t size_bytes_ = 0;
    bool is_whole_ = true;
};

/// Has no state but its place, so any number of threads may use it.
class FlatStorage final : public Storage {
public:
    explicit FlatStorage(fs::path root) : root_(std::move(root)) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        throw_if_stopped(stop);
        return of_store([&] {
            const fs::path path = place_for(name);
            UnfinishedFile unfinished(path);
            for (std::size_t at = 0; at < content.size(); at += kStepBytes) {
                throw_if_stopped(stop);
                unfinished.file().write_at(
                    at,
                    content.subspan(at, std::min<std::size_t>(kStepBytes, content.size() - at)));
            }
            return publish(unfinished, path);
        });
    }

    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override {
        throw_if_stopped(stop);
        return of_store([&] { return std::make_unique<FlatUpload>(place_for(name)); });
    }

    /// A file without a name goes with its process.
    void end_abandoned_uploads(std::chrono::seconds /*silence*/, std::stop_token stop) override {
        throw_if_stopped(stop);
    }

    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override {
        return get_range(name, {0, ~std::uint64_t{0}}, std::move(stop));
    }

    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override {
        throw_if_stopped(stop);
        return if_there<Bytes>([&] {
            const File file = File::open(path_of(name), File::Mode::read);
            const std::uint64_t size = file.size_bytes();
            const std::uint64_t first = std::min(range.offset_bytes, size);
            Bytes bytes(std::min(range.length_bytes, size - first));
            for (std::size_t at = 0; at < bytes.size(); at += kStepBytes) {
                throw_if_stopped(stop);
                const auto step = std::span(bytes).subspan(
                    at, std::min<std::size_t>(kStepBytes, bytes.size() - at));
                if (file.read_at(first + at, step) != step.size()) {
                    throw StorageError(fmt::format("{} became shorter", file.path().native()));
                }
            }
            return bytes;
        });
    }

    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override {
        throw_if_stopped(stop);
        return if_there<std::uint64_t>(
            [&] { return File::open(path_of(name), File::Mode::read).size_bytes(); });
    }

    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override {
        throw_if_stopped(stop);
        // All names first: `visit` may change the folder.
        const std::vector<fs::path> paths = of_store([this] {
            std::vector<fs::path> found;
            for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_)) {
                if (entry.is_regular_file()) {
                    found.push_back(entry.path());
                }
            }
            return found;
        });
        for (const fs::path& path : paths) {
            throw_if_stopped(stop);
            struct stat facts = {};
            const std::string text = name_at(path);
            if (ObjectName::is_valid(text) && prefix.covers(ObjectName(text)) &&
                ::stat(path.c_str(), &facts) == 0) {
                visit({ObjectName(text), static_cast<std::uint64_t>(facts.st_size),
                       std::chrono::sys_seconds(std::chrono::seconds(facts.st_mtim.tv_sec))});
            }
        }
    }

    void remove(const ObjectName& name, std::stop_token stop) override {
        throw_if_stopped(stop);
        of_store([&] { fs::remove(path_of(name)); });
    }

    [[nodiscard]] std::string url() const override { return "flat:/" + root_.native(); }
    [[nodiscard]] StorageCapabilities capabilities() const override { return {.is_local = true}; }

private:
    /// What `action` gives, or nothing when the file that it opens is not there.
    template <class Answer, class Action>
    static std::optional<Answer> if_there(Action action) {
        return of_store([&]() -> std::optional<Answer> {
            try {
                return action();
            } catch (const FileError& error) {
                if (error.error_number() == ENOENT) {
                    return std::nullopt;
                }
                throw;
            }
        });
    }

    [[nodiscard]] fs::path path_of(const ObjectName& name) const {
        std::string rest = name.text();
        std::ranges::replace(rest, '/', '+');
        fs::path path = root_;
        for (; rest.size() > kPartBytes; rest.erase(0, kPartBytes)) {
            path /= rest.substr(0, kPartBytes) + '~';
        }
        return path / rest;
    }

    /// The same, and the folders of a long name are there, durably.
    [[nodiscard]] fs::path place_for(const ObjectName& name) const {
        fs::path path = path_of(name);
        for (fs::path made = root_;
             const fs::path& part : path.lexically_relative(root_).parent_path()) {
            fs::create_directory(made / part);
            sync_directory(made);
            made /= part;
        }
        return path;
    }

    /// The inverse of `path_of`; no valid name for a file that is none of ours.
    [[nodiscard]] std::string name_at(const fs::path& path) const {
        std::string text = path.lexically_relative(root_).native();
        for (std::size_t at = text.find("~/"); at != std::string::npos; at = text.find("~/")) {
            text.erase(at, 2);
        }
        std::ranges::replace(text, '+', '/');
        return text;
    }

    fs::path root_;
};

}  // namespace

std::unique_ptr<Storage> make_flat_storage(const StorageUrl& url, CreatePlace create) {
    return of_store([&]() -> std::unique_ptr<Storage> {
        const fs::path root = fs::path("/") / url.path;
        if (!fs::is_directory(root)) {
            if (create == CreatePlace::no) {
                return nullptr;
            }
            fs::create_directory(root);
            fs::permissions(root, fs::perms::owner_all);
            sync_directory(root.parent_path());
        }
        return std::make_unique<FlatStorage>(fs::canonical(root));
    });
}

}  // namespace dbbackup
