#include "connector/postgres/table_loader.hpp"

#include "base/error.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/table_loads.hpp"
#include "connector/postgres/view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <thread>

namespace dbbackup::postgres {
namespace {

/// A table has to be so large for each connection more.
constexpr std::uint64_t kBytesForOneMore = 16_MiB;

std::string column_list(const TableDefinition& table) {
    std::vector<std::string> columns;
    std::transform(table.columns.begin(), table.columns.end(), std::back_inserter(columns),
                   [](const std::string& name) { return quoted_name(name); });
    return fmt::format("{}", fmt::join(columns, ", "));
}

}  // namespace

std::string copy_into(const TableDefinition& definition, const std::string& table,
                      const std::string& encoding, Freeze freeze) {
    const std::string columns = column_list(definition);
    std::string options = encoding_of_rows(encoding);
    if (freeze == Freeze::yes) {
        options =
            options.empty() ? " WITH (FREEZE)" : options.insert(options.size() - 1, ", FREEZE");
    }
    return fmt::format("COPY {}{} FROM stdin{}", table,
                       columns.empty() ? columns : fmt::format(" ({})", columns), options);
}

std::uint64_t copy_whole(Connection& connection, const std::string& copy, StreamReader& stream,
                         std::stop_token stop) {
    StreamSlices slices(stream, std::move(stop));
    StreamSlices::Reader reader(slices);
    return connection.copy_in(copy, [&reader] { return reader.next(); });
}

std::uint64_t load_rows(Connection& connection, StreamReader& stream, const std::string& table,
                        const std::string& encoding, std::stop_token stop) {
    return copy_whole(
        connection, copy_into(TableDefinition::parse(stream.stream().definition), table, encoding),
        stream, std::move(stop));
}

std::vector<StoredStream> with_partitions_together(std::span<const StoredStream> streams) {
    std::vector<StoredStream> tables;
    std::map<std::string, std::size_t> roots;
    for (const StoredStream& stream : streams) {
        const TableDefinition table = TableDefinition::parse(stream.definition);
        if (!table.is_of_root) {
            tables.push_back(stream);
            continue;
        }
        const auto [root, is_first] =
            roots.emplace(quoted_name(table.schema, table.name), tables.size());
        if (is_first) {
            tables.push_back(stream);
        } else {
            tables[root->second].row_count += stream.row_count;
            tables[root->second].fingerprint += stream.fingerprint;
        }
    }
    return tables;
}

void verify_table(Connection& connection, const StoredStream& stored, const std::string& table,
                  const std::string& encoding, const Fingerprinter& fingerprinter) {
    const TableDefinition definition = TableDefinition::parse(stored.definition);
    Fingerprint found;
    const std::uint64_t rows = connection.copy_out(
        fmt::format("COPY (SELECT {} FROM {}{} {}) TO STDOUT{}", column_list(definition),
                    definition.is_of_root ? "" : "ONLY ", table, definition.condition,
                    encoding_of_rows(encoding)),
        [&](BytesView all, std::span<const std::uint32_t> ends) {
            std::size_t start = 0;
            for (const std::uint32_t end : ends) {
                found += fingerprinter.of(all.subspan(start, end - start), 0);
                start = end;
            }
        });
    if (rows != stored.row_count || found != stored.fingerprint) {
        throw explained<SourceError>(
            fmt::format("{} was restored, but its rows are not those that were backed up ({} of "
                        "{} rows)",
                        stored.name, rows, stored.row_count),
            "Please report this with both server versions.", "verification_failed");
    }
}

std::vector<std::uint64_t> TableLoader::load(StreamGroup& group,
                                             const std::vector<std::size_t>& wanted,
                                             EarlyIndexes* indexes, std::stop_token stop) {
    const std::span<const StoredStream> streams = group.streams();
    std::uint64_t bytes = 0;
    for (const std::size_t index : wanted) {
        bytes += streams[index].size_bytes;
    }
    // Two small tables on two connections take longer than on one that is there.
    const auto threads =
        static_cast<std::size_t>(std::min<std::uint64_t>(jobs_, bytes / kBytesForOneMore + 1));
    connect(threads, stop);
    TableLoads loads(group, wanted, bytes / threads, indexes, std::move(stop));
    run(
        threads, [&loads](Connection& connection) { loads.work(connection); },
        [&loads] { loads.abandon(); });
    return loads.rows();
}

void TableLoader::verify(std::span<const StoredStream> streams, const Fingerprinter& fingerprinter,
                         std::stop_token stop) {
    const std::vector<StoredStream> tables = with_partitions_together(streams);
    const std::size_t threads = std::min<std::size_t>(jobs_, tables.size());
    connect(threads, stop);
    std::atomic<std::size_t> next{0};
    run(
        threads,
        [&](Connection& connection) {
            for (std::size_t each = next++; each < tables.size(); each = next++) {
                const StoredStream& stored = tables[each];
                const TableDefinition table = TableDefinition::parse(stored.definition);
                verify_table(connection, stored, quoted_name(table.schema, table.name),
                             connection.parameter("server_encoding"), fingerprinter);
            }
        },
        [&] { next = tables.size(); });
}

Connection& TableLoader::any(std::stop_token stop) {
    connect(1, stop);
    return *connections_.front();
}

void TableLoader::connect(std::size_t count, const std::stop_token& stop) {
    if (!end_) {
        end_.emplace(stop, [this] { ended_.request_stop(); });
    }
    while (connections_.size() < count) {
        connections_.push_back(
            std::make_unique<Connection>(info_, Role::target, ended_.get_token()));
        set_text_form(*connections_.back());
    }
}

void TableLoader::run(std::size_t threads, const std::function<void(Connection&)>& work,
                      const std::function<void()>& abandon) {
    std::mutex mutex;
    std::exception_ptr first;
    const auto guarded = [&](std::size_t thread) {
        try {
            work(*connections_[thread]);
        } catch (...) {
            {
                const std::lock_guard lock(mutex);
                if (!first) {
                    first = std::current_exception();
                }
            }
            abandon();
            ended_.request_stop();
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t thread = 1; thread < threads; ++thread) {
            others.emplace_back([&guarded, thread] { guarded(thread); });
        }
        if (threads > 0) {
            guarded(0);
        }
    }
    if (first) {
        std::rethrow_exception(first);
    }
}

}  // namespace dbbackup::postgres
