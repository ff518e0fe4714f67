#include "connector/postgres/stored_tables.hpp"

#include "base/error.hpp"
#include "connector/postgres/native_dump.hpp"
#include "connector/postgres/restore_steps.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/toc.hpp"
#include "connector/stream_names.hpp"

#include <array>
#include <string>
#include <utility>

namespace dbbackup::postgres {
namespace {

bool takes(const NameSelection& names, const std::string& database, const std::string& schema,
           const std::string& table) {
    const std::array<NamePart, 3> parts = {{{.text = database}, {.text = schema}, {.text = table}}};
    return names.takes(parts);
}

}  // namespace

std::vector<StoredTable> stored_tables(StreamReader& stream, const NameSelection& names,
                                       std::stop_token stop) {
    const StoredStream& stored = stream.stream();
    const std::vector<std::string> parts = parts_of_stream(stored.name);
    std::vector<StoredTable> tables;
    if (stored.kind == StreamKind::opaque && is_special(stored.name, kDumpStream)) {
        throw explained<ConfigError>("the tables of what pg_dump wrote cannot be told one by one",
                                     "Leave out --tables.", "tables_not_supported");
    }
    if (is_table(stored) && parts.size() == 3) {
        if (takes(names, parts[0], parts[1], parts[2])) {
            StoredTable table;
            table.name = parts[1] + '.' + parts[2];
            table.bytes = stored.size_bytes;
            table.rows = stored.row_count;
            tables.push_back(std::move(table));
        }
    } else if (stored.kind == StreamKind::opaque && is_special(stored.name, kSchemaStream)) {
        Bytes archive;
        read_whole(
            stream,
            [&](BytesView part) { archive.insert(archive.end(), part.begin(), part.end()); }, stop);
        const Toc toc = Toc::parse(archive);
        for (const TocEntry& entry : toc.entries()) {
            const bool is_view = entry.kind == "VIEW" || entry.kind == "MATERIALIZED VIEW";
            if (is_view && takes(names, parts[0], entry.schema, entry.name)) {
                StoredTable view;
                view.name = entry.full_name();
                view.kind = TableKind::view;
                tables.push_back(std::move(view));
            }
        }
    }
    return tables;
}

}  // namespace dbbackup::postgres
