#include "connector/sqlite/occupied_names.hpp"

#include "base/error.hpp"
#include "config/problems.hpp"
#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace dbbackup::sqlite {
namespace {

using Kind = TableDefinition::Kind;

struct Occupant {
    std::string type;
    std::string name;
    std::string table;
    std::string sql;
};

std::optional<Occupant> occupant_of(Database& target, const std::string& name) {
    std::optional<Occupant> found;
    target.query(fmt::format("SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE "
                             "name={} COLLATE NOCASE",
                             text_literal(name)),
                 [&](const Row& row) {
                     found = Occupant{row.text(0), row.text(1), row.text(2), row.text(3)};
                 });
    return found;
}

class Room {
public:
    Room(Database& target, const Meeting& meeting) : target_(target), meeting_(meeting) {}

    void for_table(const ChosenTable& table) {
        const std::optional<Occupant> found = occupant_of(target_, table.target);
        if (meeting_.parts == Parts::data) {
            need_table(table, found);
            return;
        }
        if (!found) {
            return;
        }
        if (found->type != "table" && found->type != "view") {
            refuse_name(*found);
        }
        if (meeting_.overwrite == Overwrite::no) {
            throw explained<ConfigError>(
                fmt::format("the target already has a {} '{}'", found->type, shown(found->name)),
                "Replace it with --clean, restore under another name with --rename OLD=NEW, or add "
                "only the rows with --data-only.",
                "target_not_empty");
        }
        dropped_.push_back(found->name);
        drops_.push_back(fmt::format("DROP {} {}", found->type, quoted_name(found->name)));
    }

    void for_shadow(const std::string& name) {
        const std::optional<Occupant> found = occupant_of(target_, name);
        // Dropping a virtual table takes its own shadows with it.
        const bool goes =
            found && std::any_of(dropped_.begin(), dropped_.end(), [&](const auto& each) {
                return is_same_name(name.substr(0, each.size() + 1), each + "_");
            });
        if (found && !goes) {
            refuse_name(*found);
        }
    }

    void for_attachment(const ChosenTable& table, Attachment& each) {
        const auto is_taken = [&](const std::string& name) {
            const std::optional<Occupant> found = occupant_of(target_, name);
            return found && !is_dropped(found->table) ? found : std::nullopt;
        };
        const std::optional<Occupant> found = is_taken(each.name);
        if (!found) {
            return;
        }
        const std::optional<StoredSql> sql = StoredSql::parse(each.sql);
        if (!table.is_renamed() || !sql) {
            refuse_name(*found);
        }
        std::string name = fmt::format("{}_{}", table.target, each.name);
        for (int number = 2; is_taken(name); ++number) {
            name = fmt::format("{}_{}_{}", table.target, each.name, number);
        }
        each.name = name;
        each.sql = sql->named(name);
    }

    [[nodiscard]] std::vector<std::string> drops() { return std::move(drops_); }

private:
    void need_table(const ChosenTable& table, const std::optional<Occupant>& found) const {
        if (table.definition.kind == Kind::virtual_table) {
            throw explained<ConfigError>(
                fmt::format("'{}' is a virtual table, whose rows can not be restored alone",
                            shown(table.definition.name)),
                "Leave it out with --exclude, or leave out --data-only.", "selection_conflict");
        }
        if (!found || found->type != "table") {
            throw explained<ConfigError>(
                fmt::format("the target has no table '{}' to add rows to", shown(table.target)),
                "Leave out --data-only to make the table too.", "target_table_missing");
        }
    }

    [[nodiscard]] bool is_dropped(const std::string& table) const {
        return std::any_of(dropped_.begin(), dropped_.end(),
                           [&table](const std::string& each) { return is_same_name(each, table); });
    }

    [[noreturn]] static void refuse_name(const Occupant& found) {
        throw explained<ConfigError>(
            fmt::format("the target already has a {} '{}'{}", found.type, shown(found.name),
                        found.type == "index" || found.type == "trigger"
                            ? fmt::format(" of '{}'", shown(found.table))
                            : ""),
            "Give the table another name with --rename OLD=NEW, or restore to another database.",
            "target_not_empty");
    }

    Database& target_;
    Meeting meeting_;
    std::vector<std::string> dropped_;
    std::vector<std::string> drops_;
};

}  // namespace

std::vector<std::string> make_room(Database& target, std::vector<ChosenTable>& chosen,
                                   const Meeting& meeting) {
    Room room(target, meeting);
    for (const ChosenTable& table : chosen) {
        room.for_table(table);
    }
    if (meeting.parts != Parts::data) {
        for (ChosenTable& table : chosen) {
            for (const TableDefinition& shadow : table.shadows) {
                room.for_shadow(table.target_of(shadow));
            }
            for (Attachment& index : table.definition.indexes) {
                room.for_attachment(table, index);
            }
            for (Attachment& trigger : table.definition.triggers) {
                room.for_attachment(table, trigger);
            }
        }
    }
    return room.drops();
}

}  // namespace dbbackup::sqlite
