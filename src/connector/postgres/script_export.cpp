#include "connector/postgres/script_export.hpp"

#include "base/error.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/native_dump.hpp"
#include "connector/postgres/script_filter.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/whole_stream.hpp"
#include "connector/stream_names.hpp"
#include "sys/memory_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

/// As rows are read from the source (`set_text_form`), whatever the database says.
constexpr std::string_view kBeforeRows =
    "\nSET DateStyle = ISO;\nSET IntervalStyle = postgres;\nSET lc_monetary = 'C';\n"
    "SET array_nulls = on;\n\n";
constexpr std::string_view kAfterRows =
    "RESET DateStyle;\nRESET IntervalStyle;\nRESET lc_monetary;\nRESET array_nulls;\n\n";

bool is_special(const StoredStream& stream, std::string_view what) {
    return stream.name.ends_with(std::string(":").append(what));
}

bool is_roles(const StoredStream& stream) {
    return stream.name == special_stream_name("", kRolesStream);
}

/// Calls `visit` with each row, without its line feed.
void for_each_row(StreamReader& stream, const std::stop_token& stop,
                  const std::function<void(std::string_view row)>& visit) {
    WholeStream whole(stream, stop);
    std::string begun;
    for (BytesView part = whole.next(); !part.empty(); part = whole.next()) {
        std::string_view text = as_text(part);
        for (std::size_t end = text.find('\n'); end != std::string_view::npos;
             end = text.find('\n')) {
            begun += text.substr(0, end);
            visit(begun);
            begun.clear();
            text.remove_prefix(end + 1);
        }
        begun += text;
    }
}

std::vector<std::string_view> fields_of(std::string_view row) {
    std::vector<std::string_view> fields;
    for (std::size_t end = row.find('\t'); end != std::string_view::npos; end = row.find('\t')) {
        fields.push_back(row.substr(0, end));
        row.remove_prefix(end + 1);
    }
    fields.push_back(row);
    return fields;
}

/// A value as COPY writes it. Source: PostgreSQL manual, COPY, "Text Format".
std::string value_of(std::string_view field) {
    constexpr std::string_view kLetters = "bfnrtv";
    constexpr std::string_view kMeant = "\b\f\n\r\t\v";
    std::string value;
    for (std::size_t at = 0; at < field.size(); ++at) {
        if (field[at] == '\\' && at + 1 < field.size()) {
            const std::size_t letter = kLetters.find(field[++at]);
            value += letter == std::string_view::npos ? field[at] : kMeant[letter];
        } else {
            value += field[at];
        }
    }
    return value;
}

/// One database of a snapshot by the program's own reader.
class ScriptExport {
public:
    /// Borrowed.
    ScriptExport(const ExportRequest& request, int server_major, ArchiveFiles& files,
                 std::stop_token stop)
        : request_(request), server_major_(server_major), files_(files), stop_(std::move(stop)) {}

    void write(std::size_t schema_index) {
        const SchemaDefinition schema =
            SchemaDefinition::parse(request_.streams[schema_index].definition);
        WholeStream stored(request_.open(schema_index), stop_);
        for (BytesView part = stored.next(); !part.empty(); part = stored.next()) {
            schema_.append(part);
        }
        encoding_ = schema.database.encoding;
        section("pre-data");
        text(kBeforeRows);
        for (std::size_t index = schema_index + 1; index < request_.streams.size(); ++index) {
            write_stream(index);
        }
        text(kAfterRows);
        section("post-data", schema.unchecked_keys);
        add_unchecked(schema.unchecked_keys);
        fill(schema.filled_views);
    }

private:
    void text(std::string_view part) { files_.write(as_bytes(part)); }

    /// @param but Keys that would not hold for want of rows.
    void section(std::string_view name, const std::vector<ForeignKey>& but = {}) {
        const Tool tool = tool_for("pg_restore", server_major_, stop_);
        std::vector<std::string> words = {fmt::format("--section={}", name), "--file=-"};
        std::vector<int> descriptors = {schema_.descriptor()};
        MemoryFile list;
        if (!but.empty()) {
            list.append(as_bytes(list_without(
                output_of(tool, {"--list", schema_.path()}, descriptors, stop_), but)));
            words.push_back("--use-list=" + list.path());
            descriptors.push_back(list.descriptor());
        }
        words.push_back(schema_.path());
        ScriptFilter filter(tool.major > server_major_,
                            [this](BytesView part) { files_.write(part); });
        filter.take(as_bytes(output_of(tool, words, descriptors, stop_)));
        filter.finish();
    }

    /// Keys to tables whose rows the backup left out.
    void add_unchecked(const std::vector<ForeignKey>& keys) {
        for (const ForeignKey& key : keys) {
            if (can_be_unchecked(key, server_major_)) {
                for (const std::string& statement : statements_of(key)) {
                    text(statement + ";\n");
                }
            }
        }
    }

    void write_stream(std::size_t index) {
        const StoredStream& stored = request_.streams[index];
        if (stored.kind != StreamKind::rows || stored.size_bytes == 0) {
            return;
        }
        StreamReader& stream = request_.open(index);
        if (is_special(stored, kSequencesStream)) {
            for_each_row(stream, stop_, [this](std::string_view row) { sequence(row); });
        } else if (is_special(stored, kLargeObjectOwnersStream)) {
            text(make_large_object_table() + ";\n" + copy_into_large_object_table() + ";\n");
            rows(stream);
            for (const std::string& objects : make_large_objects(stored.row_count)) {
                text(objects + ";\n");
            }
            text(drop_large_object_table() + ";\n\n");
        } else if (is_special(stored, kLargeObjectsStream)) {
            text("BEGIN;\n");
            for_each_row(stream, stop_, [this](std::string_view row) { page(row); });
            text("COMMIT;\n\n");
        } else {
            const TableDefinition table = TableDefinition::parse(stored.definition);
            text(copy_into(table, quoted_name(table.schema, table.name), encoding_) + ";\n");
            rows(stream);
        }
    }

    void rows(StreamReader& stream) {
        WholeStream whole(stream, stop_);
        for (BytesView part = whole.next(); !part.empty(); part = whole.next()) {
            files_.write(part);
        }
        text("\\.\n\n");
    }

    void sequence(std::string_view row) {
        const std::vector<std::string_view> fields = fields_of(row);
        text(fmt::format("SELECT pg_catalog.setval({}, {}, {});\n",
                         literal(quoted_name(value_of(fields.at(0)), value_of(fields.at(1)))),
                         fields.at(2), fields.at(3) == "t" ? "true" : "false"));
    }

    /// A page holds a quarter of a block (PostgreSQL manual, 53.31).
    void page(std::string_view row) {
        const std::vector<std::string_view> fields = fields_of(row);
        text(
            fmt::format("SELECT pg_catalog.lo_put({}, {}::bigint * "
                        "(pg_catalog.current_setting('block_size')::bigint / 4), {});\n",
                        fields.at(0), fields.at(1), literal(value_of(fields.at(2)))));
    }

    /// Views upon views come after those: who fails for want of another is tried again.
    void fill(const std::vector<std::string>& views) {
        if (views.empty()) {
            return;
        }
        std::vector<std::string> names;
        std::transform(views.begin(), views.end(), std::back_inserter(names),
                       [](const std::string& view) { return literal(view); });
        const std::string list = fmt::format("{}", fmt::join(names, ", "));
        std::string quote = "$db_backup$";
        while (list.find(quote) != std::string::npos) {
            quote.insert(quote.size() - 1, "_");
        }
        text(fmt::format(R"(
DO {1}
DECLARE
    views text[] := ARRAY[{0}]::text[];
    again text[];
    each text;
BEGIN
    WHILE views <> '{{}}' LOOP
        again := '{{}}';
        FOREACH each IN ARRAY views LOOP
            BEGIN
                EXECUTE 'REFRESH MATERIALIZED VIEW ' || each;
            EXCEPTION WHEN object_not_in_prerequisite_state THEN
                again := again || each;
            END;
        END LOOP;
        IF again = views THEN
            RAISE EXCEPTION 'these materialized views need each other''s rows: %', views;
        END IF;
        views := again;
    END LOOP;
END
{1};
)",
                         list, quote));
    }

    const ExportRequest& request_;
    int server_major_;
    ArchiveFiles& files_;
    std::stop_token stop_;
    MemoryFile schema_;
    std::string encoding_;  ///< Of rows.
};

void write_roles(const ExportRequest& request, ArchiveFiles& files, const std::stop_token& stop) {
    const auto roles = std::ranges::find_if(request.streams, is_roles);
    if (roles == request.streams.end()) {
        return;
    }
    files.begin(roles->name);
    WholeStream whole(request.open(static_cast<std::size_t>(roles - request.streams.begin())),
                      stop);
    for (BytesView part = whole.next(); !part.empty(); part = whole.next()) {
        files.write(part);
    }
    files.end();
}

}  // namespace

std::string script_begin(const SchemaDefinition& schema) {
    return fmt::format("{}postgres: {}\n", kScriptBegin, schema.json());
}

void export_script(const ExportRequest& request, int server_major, ArchiveFiles& files,
                   const std::stop_token& stop) {
    const auto is_first = [](const StoredStream& stream) {
        return stream.kind == StreamKind::opaque && !is_roles(stream);
    };
    const auto first = std::ranges::find_if(request.streams, is_first);
    if (first == request.streams.end()) {
        throw CorruptionError("the snapshot has no definitions of its database");
    }
    if (std::ranges::count_if(request.streams, is_first) > 1) {
        throw explained<ConfigError>("a snapshot of several PostgreSQL databases is no archive yet",
                                     "Restore it, or back up one database with --format archive.",
                                     "not_supported");
    }
    const SchemaDefinition definition = SchemaDefinition::parse(first->definition);
    if (!request.database.empty() && request.database != definition.database.name) {
        throw explained<ConfigError>(
            fmt::format("the snapshot has no database {}", request.database),
            fmt::format("It is of {}: leave --database out.", definition.database.name),
            "database_unknown");
    }
    const auto index = static_cast<std::size_t>(first - request.streams.begin());
    if (request.form == ArchiveForm::several_files) {
        write_roles(request, files, stop);
    }
    files.begin(kArchivedDatabase);
    files.write(as_bytes(script_begin(definition)));
    if (is_special(*first, kDumpStream)) {
        script_of_dump(
            request.open(index), server_major, [&files](BytesView part) { files.write(part); },
            stop);
    } else {
        ScriptExport(request, server_major, files, stop).write(index);
    }
    files.write(as_bytes(kScriptEnd));
    files.end();
}

}  // namespace dbbackup::postgres
