#pragma once

/// @file
/// What a restore reads: the streams of a snapshot, or the databases of an archive.

#include "connector/connector.hpp"
#include "engine/database_choice.hpp"
#include "engine/restore.hpp"

#include <cstddef>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Not thread-safe; the readers that it gives are.
class RestoreSupply {
public:
    RestoreSupply(const RestoreSupply&) = delete;
    RestoreSupply& operator=(const RestoreSupply&) = delete;
    virtual ~RestoreSupply() = default;

    /// What is restored, in order.
    [[nodiscard]] virtual const std::vector<StoredStream>& streams() const = 0;
    /// Stays open until `close`.
    [[nodiscard]] virtual StreamReader& open(std::size_t index, std::stop_token stop) = 0;
    virtual void close(std::size_t index) = 0;
    /// What the fingerprints of the streams are made with.
    [[nodiscard]] virtual const Fingerprinter& fingerprinter() const = 0;

protected:
    RestoreSupply() = default;
};

/// Restores all that is supplied, through `connector`.
/// @param outcome Of it `databases` and `is_of_tables` are set; the rest is filled in.
void carry_out(RestoreSupply& supply, const RestoreRequest& request, Connector& connector,
               const RestoreOptions& options, const Context& context, RestoreOutcome& outcome,
               std::stop_token stop);

}  // namespace dbbackup
