#pragma once

/// @file
/// Which entries of an archive some tables need, and which belong to them. Pure.

#include "config/name_pattern.hpp"
#include "connector/postgres/toc.hpp"

#include <set>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// A part of a selected table that is not made.
struct LeftOut {
    int id = 0;
    std::string what;  ///< One sentence for people.
};

struct TocChoice {
    std::set<int> selected;    ///< Relations that the names take, and partitions of those.
    std::vector<int> ids;      ///< All to be made, in the order of the archive.
    std::vector<int> rowless;  ///< Tables that something selected needs: only their definition.
    std::vector<LeftOut> left_out;  ///< What belongs to a selected table and is not made.
};

/// What is taken:
/// - tables, views and sequences by name; with a partitioned table its partitions;
/// - everything in a schema of which every name is taken (`app.*`); what is in no schema, if
/// nothing
///   was included by name;
/// - what all that needs: schemas, types, functions, extensions, and tables without their rows;
/// - what belongs to it and needs no other table: indexes, constraints, triggers, policies,
///   defaults, sequences, comments, privileges.
/// @param database Its name in patterns.
[[nodiscard]] TocChoice choose(const Toc& toc, const std::string& database,
                               const NameSelection& names);

/// Of `ids`, those that are still to be made where some things are there: not what is there, nor
/// what belongs to it.
/// @param there Ids of relations and objects.
[[nodiscard]] std::vector<int> without(const Toc& toc, const std::vector<int>& ids,
                                       const std::set<int>& there);

/// Whether a pattern takes every name of a schema.
[[nodiscard]] bool takes_schema(const NameSelection& names, const std::string& database,
                                const std::string& schema);

}  // namespace dbbackup::postgres
