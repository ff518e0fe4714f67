#include "connector/postgres/restore_steps.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/script_filter.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// Takes a line out of the head of a script, before its first object.
void erase_from_head(std::string& script, std::string_view line) {
    const std::size_t at = script.find(line);
    if (at != std::string::npos && at < script.find("\n-- Name: ")) {
        script.erase(at, line.size() - 1);
    }
}

/// Whether a text has a name that is not a part of a longer one.
bool names(std::string_view text, std::string_view name) {
    const auto is_letter = [](char character) {
        return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_' ||
               static_cast<unsigned char>(character) >= 0x80U;
    };
    for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
        const std::size_t end = at + name.size();
        if ((at == 0 || !is_letter(text[at - 1])) &&
            (end == text.size() || !is_letter(text[end]))) {
            return true;
        }
    }
    return false;
}

}  // namespace

void read_whole(StreamReader& stream, const std::function<void(BytesView)>& take,
                const std::stop_token& stop) {
    Bytes buffer;
    const std::uint64_t size = stream.stream().size_bytes;
    for (std::uint64_t offset = 0; offset < size; offset += buffer.size()) {
        buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(1_MiB, size - offset)));
        stream.read_at(offset, buffer, stop);
        take(buffer);
    }
}

std::vector<RestoredTable> planned_tables(const ChosenParts& parts) {
    std::vector<RestoredTable> tables;
    for (const auto& [name, stream] : parts.streams()) {
        tables.push_back(parts.told(name));
        if (parts.condition_of(name) == nullptr) {
            tables.back().rows = stream.row_count;
        }
    }
    const std::vector<RestoredTable> rowless = parts.rowless();
    tables.insert(tables.end(), rowless.begin(), rowless.end());
    return tables;
}

bool is_special(const std::string& name, std::string_view what) {
    return name.ends_with(std::string(":").append(what));
}

bool is_needed(const ChosenParts& parts, const StoredStream& stream) {
    if (stream.kind == StreamKind::opaque) {
        return true;
    }
    if (parts.parts() == Parts::schema) {
        return false;
    }
    if (is_special(stream.name, kSequencesStream)) {
        return !parts.sequences().empty();
    }
    return stream.definition.empty() ? parts.is_everything_else() : parts.wants(stream.name);
}

void ArchiveFile::choose(std::span<const int> ids) {
    std::string lines;
    for (const int id : ids) {
        lines += fmt::format("{};\n", id);
    }
    choose(lines);
}

void ArchiveFile::choose(const std::string& list) {
    list_.emplace();
    list_->append(as_bytes(list));
}

std::vector<std::string> ArchiveFile::words(std::string_view section,
                                            const RestoreRequest& request) const {
    std::vector<std::string> words = {fmt::format("--section={}", section)};
    if (!request.keeps_owners) {
        words.emplace_back("--no-owner");
    }
    if (!request.keeps_privileges) {
        words.emplace_back("--no-privileges");
    }
    if (list_) {
        words.push_back("--use-list=" + list_->path());
    }
    // The archive is small, and has to be sought in when several processes read it.
    words.push_back(archive_.path());
    return words;
}

bool ArchiveFile::has(std::string_view text) const {
    Bytes buffer(1_MiB + text.size());
    for (std::uint64_t offset = 0;; offset += 1_MiB) {
        const std::size_t count = archive_.read_at(offset, buffer);
        if (as_text(BytesView(buffer).first(count)).find(text) != std::string_view::npos) {
            return true;
        }
        if (count < buffer.size()) {
            return false;
        }
    }
}

Toc ArchiveFile::toc() const {
    Bytes archive;
    std::size_t size = 0;
    do {
        archive.resize(size + 1_MiB);
        size += archive_.read_at(size, std::span(archive).subspan(size));
    } while (size == archive.size());
    archive.resize(size);
    return Toc::parse(archive);
}

std::vector<int> ArchiveFile::descriptors() const {
    std::vector<int> descriptors = {archive_.descriptor()};
    if (list_) {
        descriptors.push_back(list_->descriptor());
    }
    return descriptors;
}

std::string ArchiveFile::script(std::string_view section, const RestoreRequest& request,
                                int server_major, const std::stop_token& stop) const {
    const Tool tool = tool_for("pg_restore", server_major, stop);
    std::vector<std::string> arguments = words(section, request);
    arguments.emplace_back("--file=-");
    std::string text;
    ScriptFilter filter(tool.major > server_major,
                        [&text](BytesView part) { text += as_text(part); });
    filter.take(as_bytes(output_of(tool, arguments, descriptors(), stop)));
    filter.finish();
    return text;
}

void take_archive_sql(Connection& connection, std::span<const std::string> settings,
                      std::string_view encoding, const std::function<void()>& execute) {
    for (const std::string& setting : settings) {
        connection.execute(setting);
    }
    execute();
    set_text_form(connection, encoding);
    connection.execute("SET standard_conforming_strings = on");
}

std::string for_connection(std::string script) {
    for (const std::string_view setting :
         {"\nSET statement_timeout = 0;\n", "\nSET lock_timeout = 0;\n",
          "\nSET idle_in_transaction_session_timeout = 0;\n", "\nSET transaction_timeout = 0;\n"}) {
        erase_from_head(script, setting);
    }
    // Without data these are all of psql's commands: the first before every object, the other
    // behind the last.
    constexpr std::string_view kRestrict = "\n\\restrict ";
    constexpr std::string_view kUnrestrict = "\n\\unrestrict ";
    const std::size_t begin = script.find(kRestrict);
    if (begin != std::string::npos &&
        begin < std::min(script.find("\n-- Name: "), script.find("\nSET "))) {
        const std::size_t end = script.rfind(kUnrestrict);
        if (end != std::string::npos) {
            script.resize(end);
        }
        script.erase(begin, script.find('\n', begin + 1) - begin);
    }
    return script;
}

Requirements needed_of(const ChosenParts& parts, const Requirements& all) {
    Requirements needed;
    std::vector<const TocEntry*> entries;
    for (const int id : parts.choice().ids) {
        entries.push_back(parts.toc().find(id));
    }
    const auto copy_if = [&](const std::vector<std::string>& from, std::vector<std::string>& to,
                             const auto& is_needed) {
        std::copy_if(
            from.begin(), from.end(), std::back_inserter(to), [&](const std::string& name) {
                return std::any_of(entries.begin(), entries.end(),
                                   [&](const TocEntry* entry) { return is_needed(name, *entry); });
            });
    };
    copy_if(all.roles, needed.roles, [](const std::string& name, const TocEntry& entry) {
        const bool names_roles = entry.kind == "ACL" || entry.kind == "POLICY" ||
                                 entry.kind == "DEFAULT ACL" || entry.kind == "USER MAPPING";
        return entry.owner == name || (names_roles && names(entry.definition, name));
    });
    copy_if(all.extensions, needed.extensions, [](const std::string& name, const TocEntry& entry) {
        return entry.kind == "EXTENSION" && entry.name == name;
    });
    copy_if(
        all.tablespaces, needed.tablespaces,
        [](const std::string& name, const TocEntry& entry) { return entry.tablespace == name; });
    return needed;
}

void set_sequences(Connection& connection, StreamReader& stream,
                   const std::vector<SequenceChoice>* chosen, SequenceWay way,
                   std::stop_token stop) {
    if (chosen != nullptr && chosen->empty()) {
        return;
    }
    // Through a table of its own: what COPY wrote, COPY reads.
    connection.execute(
        "CREATE TEMPORARY TABLE db_backup_sequences (schema text, name text, last bigint, "
        "is_called boolean) ON COMMIT DROP");
    copy_whole(connection, "COPY pg_temp.db_backup_sequences FROM STDIN", stream, std::move(stop));
    std::string from = "SELECT s.*, s.schema AS target FROM pg_temp.db_backup_sequences s";
    if (chosen != nullptr) {
        std::vector<std::string> rows;
        std::transform(chosen->begin(), chosen->end(), std::back_inserter(rows),
                       [](const SequenceChoice& each) {
                           return fmt::format("({}, {}, {})", literal(each.schema),
                                              literal(each.name), literal(each.target_schema));
                       });
        from = fmt::format(
            "SELECT s.*, w.target FROM pg_temp.db_backup_sequences s "
            "JOIN (VALUES {}) w(schema, name, target) USING (schema, name)",
            fmt::join(rows, ", "));
    }
    const std::string condition =
        way == SequenceWay::as_stored
            ? ""
            : " JOIN pg_catalog.pg_sequence q ON q.seqrelid = "
              "pg_catalog.format('%I.%I', c.target, c.name)::pg_catalog.regclass WHERE "
              "coalesce((c.last - pg_catalog.pg_sequence_last_value(q.seqrelid)) * "
              "pg_catalog.sign(q.seqincrement) > 0, true)";
    static_cast<void>(connection.query(
        fmt::format("SELECT pg_catalog.setval(pg_catalog.format('%I.%I', c.target, "
                    "c.name)::pg_catalog.regclass, c.last, c.is_called) FROM ({}) c{}",
                    from, condition)));
    connection.execute("DROP TABLE pg_temp.db_backup_sequences");
}

void fill_views(Connection& connection, std::vector<std::string> views, Commits commits) {
    const auto in_transaction = [&](const char* command) {
        if (commits == Commits::never) {
            connection.execute(command);
        }
    };
    constexpr std::string_view kNotInPrerequisiteState = "55000";
    std::vector<std::string> left = std::move(views);
    while (!left.empty()) {
        std::vector<std::string> again;
        for (const std::string& view : left) {
            in_transaction("SAVEPOINT db_backup_view");
            try {
                connection.execute("REFRESH MATERIALIZED VIEW " + view);
            } catch (const ServerError& error) {
                if (error.sqlstate() != kNotInPrerequisiteState || left.size() == 1) {
                    throw;
                }
                in_transaction("ROLLBACK TO SAVEPOINT db_backup_view");
                again.push_back(view);
            }
            in_transaction("RELEASE SAVEPOINT db_backup_view");
        }
        if (again.size() == left.size()) {
            throw SourceError(fmt::format("these materialized views need each other's rows: {}",
                                          fmt::join(left, ", ")));
        }
        left = std::move(again);
    }
}

void refuse_missing(const Requirements& missing, const char* remedy_for_roles) {
    const auto refuse = [](std::string_view what, const std::vector<std::string>& names,
                           const char* hint) {
        if (!names.empty()) {
            throw explained<ConfigError>(
                fmt::format("the server lacks the {} {}", what, fmt::join(names, ", ")), hint,
                "target_lacks");
        }
    };
    refuse("extensions", missing.extensions, "Install the packages that bring them on the server.");
    refuse("tablespaces", missing.tablespaces, "Make them with CREATE TABLESPACE.");
    if (remedy_for_roles != nullptr) {
        refuse("roles", missing.roles, remedy_for_roles);
    }
}

void commit(Connection& connection) {
    try {
        connection.execute("COMMIT");
    } catch (ServerError& error) {
        if (connection.is_lost()) {
            error.set_hint(
                "The connection was lost while the server committed: all of it is there, or "
                "nothing of it. Look, before you restore it again.");
        }
        throw;
    }
}

void rename_schemas(Connection& connection, const ChosenParts& parts) {
    // Through passing names, so that two may change places.
    std::string script;
    std::string second;
    int number = 0;
    for (const auto& [from, to] : parts.renames()) {
        const std::string passing = fmt::format("db_backup_schema_{}", number++);
        script += fmt::format("ALTER SCHEMA {} RENAME TO {}; ", quoted_name(from), passing);
        second += fmt::format("ALTER SCHEMA {} RENAME TO {}; ", passing, quoted_name(to));
    }
    if (parts.renames().contains("public")) {
        second += "CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC; ";
    }
    if (number > 0) {
        connection.execute("BEGIN; " + script + second + "COMMIT");
    }
}

}  // namespace dbbackup::postgres
