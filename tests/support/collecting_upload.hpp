#pragma once

/// @file
/// The upload of stores whose objects are in memory anyway.

#include "storage/storage.hpp"

#include <optional>

namespace dbbackup {

/// Keeps the whole object and puts it at the end. One thread at a time uses it.
class CollectingUpload final : public Upload {
public:
    /// @param storage Outlives it.
    CollectingUpload(Storage& storage, ObjectName name);

    void write(BytesView piece, std::stop_token stop) override;
    PutResult commit(std::stop_token stop) override;

private:
    Storage& storage_;
    ObjectName name_;
    Bytes content_;
    bool has_failed_ = false;
    std::optional<PutResult> result_;  ///< For whoever did not hear it.
};

}  // namespace dbbackup
