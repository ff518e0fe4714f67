#pragma once

/// @file
/// An object on its way into a local store, written piece by piece. Part of `LocalStorage`.

#include "base/error.hpp"
#include "storage/local/pending_file.hpp"
#include "storage/parted_upload.hpp"
#include "sys/file_error.hpp"

#include <functional>
#include <memory>

namespace dbbackup {

/// A hidden file that grows, and gets its name at the end. One thread at a time uses it.
class LocalUpload final : public PartedUpload {
public:
    /// What it takes from its store, which outlives it.
    struct Store {
        std::function<PutResult(PendingFile&, const std::stop_token&)> publish;
        std::function<StorageError(const FileError&)> explain;
    };

    /// @param pending Empty.
    LocalUpload(ObjectName name, std::unique_ptr<PendingFile> pending, Store store);

private:
    void send_part(BytesView part, const std::stop_token& stop) override;
    PutResult finish(BytesView rest, const std::stop_token& stop) override;

    std::unique_ptr<PendingFile> pending_;
    Store store_;
};

}  // namespace dbbackup
