#pragma once

/// @file
/// A backup of one PostgreSQL database by `--method native`, or its archive: one stream, as pg_dump
/// tells it, and the server's roles. For servers that are too old for the program's own reader too.
///
/// Data path: pg_dump -> [native session] -> engine.

#include "connector/archive_files.hpp"
#include "connector/connector.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/native_dump.hpp"
#include "connector/postgres/schema_definition.hpp"

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

namespace dbbackup::postgres {

/// The oldest server that the program can ask what it needs to know: the first with these names of
/// functions. Source: PostgreSQL 10 release notes, E.24.2.
inline constexpr int kOldestForNative = 10;

class NativeSession final : public Session {
public:
    /// @param info Borrowed. @param archive Nothing for a snapshot. @throws SourceError.
    NativeSession(const ConnectionInfo& info, const SourceOptions& options,
                  std::optional<ArchiveForm> archive, std::stop_token stop);

    std::vector<StreamPlan> plan() override;
    [[nodiscard]] Capture capture() const override {
        return archive_ ? Capture::full : Capture::native;
    }
    [[nodiscard]] std::string reason() const override { return {}; }
    [[nodiscard]] unsigned readers_max() const override { return 1; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override;
    SessionEnd finish(std::stop_token stop) override;

private:
    void read_database(const ConnectionInfo& database,
                       const std::function<void(BytesView part)>& take,
                       const std::stop_token& stop);

    const ConnectionInfo& info_;
    SchemaDefinition definition_;  ///< Of the dump's stream.
    std::optional<ArchiveForm> archive_;
    DumpSetting setting_;
    SessionEnd end_;
};

}  // namespace dbbackup::postgres
