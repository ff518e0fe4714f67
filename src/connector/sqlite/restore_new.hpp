#pragma once

/// @file
/// Restoring to a new file: written beside its final name, made durable, renamed.

#include "connector/connector.hpp"
#include "connector/sqlite/target.hpp"
#include "sys/file.hpp"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup::sqlite {

/// A hidden file in the target's folder that is removed unless it got its name. Move-free.
class HiddenFile {
public:
    /// Makes ".NAME.db-backup-XXXXXX", 0600. @throws FileError.
    explicit HiddenFile(const std::filesystem::path& target);
    HiddenFile(const HiddenFile&) = delete;
    HiddenFile& operator=(const HiddenFile&) = delete;
    ~HiddenFile();

    [[nodiscard]] File& file() noexcept { return *file_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// The file has its final name: nothing is to be removed any more.
    void keep() noexcept { path_.clear(); }

private:
    std::filesystem::path path_;
    std::optional<File> file_;
};

/// One thread at a time, except that the stream may deliver on many.
class RestoreNew final : public RestoreSession {
public:
    RestoreNew(Target target, const RestoreRequest& request, const StoredStream& stream);

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    void write_all(StreamReader& stream, std::stop_token stop);
    void set_ownership();
    void give_name();

    Target target_;
    StoredStream stream_;
    bool is_verifying_;
    RestorePlan plan_;
    RestoreReport report_;
    std::optional<HiddenFile> hidden_;
};

}  // namespace dbbackup::sqlite
