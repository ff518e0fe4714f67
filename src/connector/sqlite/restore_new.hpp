#pragma once

/// @file
/// Restoring to a new path: written without a name, proven, made durable, named.

#include "connector/connector.hpp"
#include "connector/sqlite/target.hpp"
#include "sys/unfinished_file.hpp"

#include <optional>
#include <stop_token>

namespace dbbackup::sqlite {

/// One thread at a time, except that the stream may deliver on many.
class RestoreNew final : public RestoreSession {
public:
    RestoreNew(Target target, const RestoreRequest& request, const StoredStream& stream);

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    Target target_;
    StoredStream stream_;
    bool is_verifying_;
    RestorePlan plan_;
    RestoreReport report_;
    std::optional<UnfinishedFile> written_;
};

}  // namespace dbbackup::sqlite
