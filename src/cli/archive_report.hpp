#pragma once

/// @file
/// What `export`, and `backup --format archive`, say of the archive.

#include "cli/archive_target.hpp"
#include "cli/table.hpp"
#include "engine/archive_output.hpp"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace dbbackup {

/// The member `archive` of their documents.
[[nodiscard]] nlohmann::ordered_json archive_json(const ArchiveContents& contents,
                                                  const WrittenArchive& written,
                                                  const Compression& compression);

/// For people.
[[nodiscard]] std::vector<Field> archive_fields(const ArchiveContents& contents,
                                                const WrittenArchive& written,
                                                const Compression& compression);

/// Prints it: to stdout, but on stderr where the archive went to stdout.
void print_archive_text(const std::string& text, const WrittenArchive& written,
                        CommandContext& context);

}  // namespace dbbackup
