#pragma once

/// @file
/// The restore of one whole database, in one of two ways: built beside what is there
/// (database_restore.hpp), or in one transaction in an empty database (restore_at_once.hpp).

#include "connector/connector.hpp"

#include <stop_token>
#include <string>

namespace dbbackup::postgres {

/// One thread at a time. Nothing is visible unless `finish` returned.
class WholeRestore {
public:
    WholeRestore(const WholeRestore&) = delete;
    WholeRestore& operator=(const WholeRestore&) = delete;
    virtual ~WholeRestore() = default;

    /// Any stream of this database, in the order of the manifest: the schema, or the dump, comes
    /// first.
    virtual void apply(StreamReader& stream, std::stop_token stop) = 0;
    /// Makes indexes and constraints, verifies if asked, and makes all of it visible.
    [[nodiscard]] virtual RestoreReport finish(const Fingerprinter& fingerprinter,
                                               std::stop_token stop) = 0;
    /// What is left of it where it fails, as a sentence for people.
    [[nodiscard]] virtual std::string left() const = 0;

protected:
    WholeRestore() = default;
};

}  // namespace dbbackup::postgres
