#include "engine/archive_assembly.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
ArchiveForm form_of(const Compression& compression) {
    return holds_several(compression.kind) ? ArchiveForm::several_files : ArchiveForm::one_file;
}

void check_database_count(std::size_t count, const Compression& compression) {
    if (count > 1 && !holds_several(compression.kind)) {
        throw explained<ConfigError>(
            fmt::format("there are {} databases, and an archive that is not a zip holds one",
                        count),
            "Choose one with --database NAME, or write all of them with --compression zip.",
            "database_ambiguous");
    }
}

ArchiveAssembly::ArchiveAssembly(ArchiveManifest manifest, const ArchiveRequest& request,
                                 ByteSink& sink, std::stop_token stop)
    : names_(std::string(kManifestEntry)),
      writer_(make_archive_writer({request.compression, request.jobs, manifest.taken_at}, sink,
                                  std::move(stop))) {
    contents_.manifest = std::move(manifest);
    contents_.manifest.tool = request.tool;
}

std::string ArchiveAssembly::file_of(const std::string& stream) const {
    const bool is_sqlite = contents_.manifest.type == DatabaseType::sqlite;
    if (stream == kArchivedDatabase) {
        return fmt::format("{}.{}", contents_.manifest.source_name, is_sqlite ? "sqlite" : "sql");
    }
    return is_sqlite ? stream : fmt::format("{}.sql", stream.substr(stream.find(':') + 1));
}

void ArchiveAssembly::begin(const std::string& stream) {
    ArchivedDatabase database;
    database.name = stream;
    database.file = names_.unique(file_of(stream));
    writer_->begin_entry(database.file);
    contents_.manifest.databases.push_back(std::move(database));
    hash_.emplace();
}

void ArchiveAssembly::write(BytesView content) {
    hash_->update(content);
    writer_->write(content);
    contents_.manifest.databases.back().size_bytes += content.size();
    contents_.size_bytes += content.size();
}

void ArchiveAssembly::end() {
    writer_->end_entry();
    contents_.manifest.databases.back().sha256 = hash_->finish();
}

ArchiveContents ArchiveAssembly::finish() {
    writer_->finish(contents_.manifest);
    return std::move(contents_);
}

}  // namespace dbbackup
