#pragma once

/// @file
/// Foreign keys to tables whose rows were left out of a backup: no restore can make them as they
/// were, because rows refer to what is not there.

#include "connector/postgres/connection.hpp"
#include "connector/postgres/toc.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

struct ForeignKey {
    std::uint32_t oid = 0;  ///< On the source; names it in the archive of its schema.
    std::string schema;
    std::string table;
    std::string name;
    std::string definition;  ///< "FOREIGN KEY (a) REFERENCES public.b(c)"
    std::string comment;
    bool is_of_partitioned = false;  ///< Of a table that is partitioned.
};

/// Those that refer to one of these tables, or to what it is a partition of, from any other.
/// @param left_out Oids of tables.
[[nodiscard]] std::vector<ForeignKey> keys_to(Connection& connection,
                                              const std::vector<std::uint32_t>& left_out);

/// The list of an archive, as `pg_restore --list` writes it and `--use-list` takes it, without
/// these keys. Pure.
[[nodiscard]] std::string list_without(std::string_view list, const std::vector<ForeignKey>& keys);

/// Takes these keys and their comments out of chosen entries of an archive. Pure.
/// @return those that were among them.
[[nodiscard]] std::vector<ForeignKey> take_out(const Toc& toc, std::vector<int>& ids,
                                               const std::vector<ForeignKey>& keys);

/// Whether a server can make it for rows to come, and not look at those that are there.
[[nodiscard]] bool can_be_unchecked(const ForeignKey& key, int server_major);

/// SQL that does so.
[[nodiscard]] std::vector<std::string> statements_of(const ForeignKey& key);

/// Makes them for rows to come: those that are there are not looked at.
/// @return warnings; of partitioned tables there cannot be such keys before PostgreSQL 18.
[[nodiscard]] std::vector<std::string> make_unchecked(Connection& connection,
                                                      const std::vector<ForeignKey>& keys);

}  // namespace dbbackup::postgres
