#pragma once

/// @file
/// Restoring several SQLite databases into a folder: each as one is restored alone, one after the
/// other, so that each is there whole or is as it was.
///
/// Names come from the snapshot and are not trusted: none leads out of the folder, neither by its
/// text nor through a symbolic link that stands there. Nothing else in the folder is touched.

#include "base/error.hpp"
#include "connector/connector.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// One thread at a time, except that a stream may deliver on many.
class RestoreSet final : public RestoreSession {
public:
    /// Looks at every target; writes nothing.
    /// @throws CorruptionError for names that do not belong in a folder; ConfigError
    /// (target_not_a_folder, target_is_link, and all that a restore of one throws).
    RestoreSet(RestoreRequest request, const std::vector<StoredStream>& streams,
               std::chrono::milliseconds lock_timeout, std::stop_token stop);

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void apply(StreamReader& stream, std::stop_token stop) override;
    std::string end_stream(const StoredStream& stream, const Fingerprinter& fingerprinter,
                           std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    void examine_folder();
    void plan_stream(const StoredStream& stream, std::stop_token stop);
    [[nodiscard]] RestoreRequest request_for(const StoredStream& stream) const;
    /// The folder that a database goes into. @throws ConfigError where a link or a file stands.
    [[nodiscard]] std::filesystem::path folder_of(const std::string& name) const;
    void make_folder_of(const std::string& name);
    void add_progress(Error& error, const std::string& name) const;

    RestoreRequest request_;
    std::chrono::milliseconds lock_timeout_;
    std::filesystem::path folder_;  ///< Real as far as it exists.
    std::size_t count_;
    RestorePlan plan_;
    RestoreReport report_;
    std::vector<std::string> done_;
    std::string current_name_;
    std::unique_ptr<RestoreSession> current_;
};

}  // namespace dbbackup::sqlite
