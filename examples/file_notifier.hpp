#pragma once

/// @file
/// Example: events as lines of a file, for a program that reads it; see docs/extending/notifier.md.

#include "notify/notifier.hpp"

#include <filesystem>

namespace dbbackup {

class FileNotifier final : public Notifier {
public:
    /// @param path Made when there is none, 0600. Its folder has to be there.
    explicit FileNotifier(std::filesystem::path path) : path_(std::move(path)) {}

    /// Appends one line of JSON (docs/json/notice.schema.json), whole and durably. A notice that is
    /// told again, because the first answer was lost, is a second line with the same `id`.
    void send(const Notice& notice, std::stop_token stop) override;

private:
    std::filesystem::path path_;
};

}  // namespace dbbackup
