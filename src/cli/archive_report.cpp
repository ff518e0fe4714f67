#include "cli/archive_report.hpp"

#include "base/units.hpp"
#include "cli/snapshot_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace dbbackup {

using Json = nlohmann::ordered_json;

Json archive_json(const ArchiveContents& contents, const WrittenArchive& written,
                  const Compression& compression) {
    Json databases = Json::array();
    for (const ArchivedDatabase& each : contents.manifest.databases) {
        databases.push_back({{"name", each.name},
                             {"file", holds_several(compression.kind) ? Json(each.file) : nullptr},
                             {"bytes", each.size_bytes},
                             {"sha256", to_hex(each.sha256)}});
    }
    return {{"output", written.place},
            {"compression", compression.text()},
            {"bytes", written.size_bytes},
            {"sha256", to_hex(written.sha256)},
            {"checksum_file", written.checksum_place ? Json(*written.checksum_place) : nullptr},
            {"databases", std::move(databases)}};
}

std::vector<Field> archive_fields(const ArchiveContents& contents, const WrittenArchive& written,
                                  const Compression& compression) {
    std::vector<Field> fields;
    if (contents.manifest.databases.size() > 1) {
        fields.emplace_back("databases", count_text(contents.manifest.databases.size()));
    }
    fields.emplace_back("source", format_size(contents.size_bytes));
    fields.emplace_back(
        "written", fmt::format("{} ({})", format_size(written.size_bytes), compression.text()));
    fields.emplace_back("sha256", to_hex(written.sha256));
    if (written.checksum_place) {
        fields.emplace_back("checksum", *written.checksum_place);
    }
    fields.emplace_back("time",
                        format_duration(std::chrono::duration<double>(contents.duration_s)));
    return fields;
}

void print_archive_text(const std::string& text, const WrittenArchive& written,
                        CommandContext& context) {
    if (context.globals.is_quiet) {
        return;
    }
    if (written.place != "-") {
        context.output.text(text);
        return;
    }
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        context.errors.line(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
}

}  // namespace dbbackup
