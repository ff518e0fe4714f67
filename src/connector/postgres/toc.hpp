#pragma once

/// @file
/// The table of contents of an archive of `pg_dump --format=custom`: which objects it makes, and
/// what each one needs. Pure.
///
/// Read from the archive itself: in the text of `pg_restore --list` a schema, a name and an owner
/// stand side by side with spaces between them, and each may have spaces of its own.
/// Source: PostgreSQL, src/bin/pg_dump/pg_backup_archiver.c, ReadHead and ReadToc.

#include "base/bytes.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// One object, or one property of an object.
struct TocEntry {
    /// relation: table, view, sequence; part: belongs to something else, such as an index, a
    /// comment, a privilege; object: a type, a function, a schema; setting: of the archive itself.
    enum class Role : unsigned char { relation, part, object, setting };
    /// What it is restored with, by the numbers of `teSection`. None: what it stands behind.
    enum class Section : unsigned char { none = 1, pre_data, data, post_data };

    int id = 0;
    std::string kind;    ///< "TABLE", "FK CONSTRAINT", as pg_dump calls it.
    std::string schema;  ///< "" for what is in none.
    std::string name;    ///< "orders"; of parts mostly "orders orders_pkey".
    std::string definition;
    std::string tablespace;  ///< "" for the default.
    std::string owner;
    std::vector<int> needs;  ///< Ids; some are of nothing in the archive.
    Section section = Section::none;

    [[nodiscard]] Role role() const;
    /// A table, a view: what has columns.
    [[nodiscard]] bool has_columns() const;
    [[nodiscard]] bool is_sequence() const { return kind == "SEQUENCE"; }
    [[nodiscard]] std::string full_name() const;  ///< "public.orders", for people.
};

class Toc {
public:
    Toc() = default;
    explicit Toc(std::vector<TocEntry> entries);
    /// @throws CorruptionError when it is not such an archive; ConfigError (code
    /// "selection_not_supported") when a later pg_dump laid it out in another way.
    [[nodiscard]] static Toc parse(BytesView archive);

    /// In the order in which they are made.
    [[nodiscard]] const std::vector<TocEntry>& entries() const { return entries_; }
    /// Null for what is not in the archive.
    [[nodiscard]] const TocEntry* find(int id) const;
    /// The table or view that a part belongs to; null where it belongs to something else. For a
    /// sequence, the table that owns it.
    [[nodiscard]] const TocEntry* subject_of(const TocEntry& part) const;
    /// SQL that sets the encoding of the archive and how its strings are quoted.
    [[nodiscard]] std::vector<std::string> settings() const;

private:
    std::vector<TocEntry> entries_;
    std::map<int, std::size_t> by_id_;
};

}  // namespace dbbackup::postgres
