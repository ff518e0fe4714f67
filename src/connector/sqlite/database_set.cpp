#include "connector/sqlite/database_set.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "connector/sqlite/permission.hpp"
#include "connector/sqlite/reachability.hpp"
#include "crypto/hash.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace dbbackup::sqlite {
namespace {

/// Longer lists of names are told by their number and a hash: an identity is shown in tables.
constexpr std::size_t kIdentityNamesBytesMax = 200;

constexpr const char* kWholeOnly =
    "Patterns choose whole databases here; tables are chosen when restoring.";

/// What is in a folder, by name. @throws SourceError.
std::vector<std::filesystem::directory_entry> entries_of(const std::filesystem::path& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        throw explained<SourceError>(fmt::format("{} is not a folder", folder.native()),
                                     "Give a file with --database.", "source_missing");
    }
    std::vector<std::filesystem::directory_entry> entries;
    std::filesystem::directory_iterator next(folder, error);
    while (!error && next != std::filesystem::directory_iterator()) {
        entries.push_back(*next);
        next.increment(error);
    }
    if (error) {
        throw unreadable(folder, error.value());
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

void add_member(DatabaseSet& set, const std::filesystem::path& path, std::string name) {
    std::error_code gone;  // then opening it tells
    const std::uintmax_t bytes = std::filesystem::file_size(path, gone);
    set.members.push_back({std::move(name), path, gone ? 0 : bytes});
}

void look_at(const std::filesystem::directory_entry& entry, DatabaseSet& set) {
    const std::string name = entry.path().filename().native();
    std::error_code gone;
    const bool is_link = entry.is_symlink(gone);
    if (gone || !entry.is_regular_file(gone)) {
        return;
    }
    try {
        if (!begins_like_database(entry.path())) {
            return;
        }
    } catch (const FileError& error) {
        if (!is_link && error.error_number() != ENOENT) {
            set.lost.push_back(fmt::format(
                "left out {}, which cannot be read: {}; if it is no database, exclude it", name,
                std::generic_category().message(error.error_number())));
        }
        return;
    }
    if (is_link) {
        set.notes.push_back(
            fmt::format("passed over {}, a symbolic link; name it with --database", name));
        return;
    }
    add_member(set, entry.path(), name);
}

/// Sets apart the patterns that name nothing. Those to include should.
void keep_unmatched(const NameSelection& selection, const std::vector<std::string>& names,
                    DatabaseSet& set) {
    const auto is_unmatched = [&](const NamePattern& pattern) {
        return std::none_of(names.begin(), names.end(),
                            [&](const std::string& name) { return pattern.matches(name); });
    };
    for (const NamePattern& pattern : selection.include) {
        if (is_unmatched(pattern)) {
            set.unmatched.push_back(pattern);
            set.lost.push_back(
                fmt::format("the pattern {} of --include names no database", pattern.text()));
        }
    }
    std::copy_if(selection.exclude.begin(), selection.exclude.end(),
                 std::back_inserter(set.unmatched), is_unmatched);
}

[[noreturn]] void refuse_nothing(const std::filesystem::path& folder,
                                 const NameSelection& selection, const DatabaseSet& set) {
    if (!set.lost.empty()) {
        throw explained<SourceError>(fmt::format("no SQLite database in {} can be read: {}",
                                                 folder.native(), set.lost.front()),
                                     run_as_owner_of(folder), "source_unreadable");
    }
    if (!selection.is_empty()) {
        throw explained<ConfigError>(
            fmt::format("the patterns leave no SQLite database of {}", folder.native()), kWholeOnly,
            "selection_empty");
    }
    throw explained<SourceError>(
        fmt::format("there is no SQLite database in {}", folder.native()),
        "Check the folder given with --all; the folders in it are not looked into.",
        "source_missing");
}

DatabaseSet find_in_folder(const SourceOptions& options) {
    const NameSelection selection = NameSelection::parse(options.include, options.exclude);
    const std::filesystem::path folder = real_path(options.folder);
    DatabaseSet set;
    set.is_folder = true;
    std::vector<std::string> names;
    for (const std::filesystem::directory_entry& entry : entries_of(folder)) {
        const std::string name = entry.path().filename().native();
        if (selection.takes(name)) {
            look_at(entry, set);
        }
        names.push_back(name);
    }
    if (set.members.empty()) {
        refuse_nothing(folder, selection, set);
    }
    keep_unmatched(selection, names, set);
    // The slash tells it from a file of this name.
    set.identity = identity_of(folder / "");
    set.suggested_name = suggested_name(folder.filename().native());
    return set;
}

/// The deepest folder that has all files below it.
std::filesystem::path common_folder(const std::vector<std::filesystem::path>& paths) {
    std::filesystem::path folder = paths.front().parent_path();
    for (const std::filesystem::path& path : paths) {
        const std::filesystem::path own = path.parent_path();
        const auto [end, own_end] =
            std::mismatch(folder.begin(), folder.end(), own.begin(), own.end());
        std::filesystem::path shared;
        for (auto part = folder.begin(); part != end; ++part) {
            shared /= *part;
        }
        folder = shared;
    }
    return folder;
}

std::string identity_of_list(const DatabaseSet& set, const std::filesystem::path& folder) {
    std::vector<std::string> names;
    std::string all;
    for (const SetMember& member : set.members) {
        names.push_back(member.name);
        all += member.name + '\0';
    }
    std::string shown = fmt::format("{}", fmt::join(names, ","));
    if (shown.size() > kIdentityNamesBytesMax) {
        shown = fmt::format("{} databases, {}", names.size(),
                            to_hex(BytesView(sha256(as_bytes(all))).first(8)));
    }
    return identity_of(folder / fmt::format("{{{}}}", shown));
}

DatabaseSet find_in_list(const SourceOptions& options) {
    if (!options.include.empty() || !options.exclude.empty()) {
        throw explained<ConfigError>("include and exclude do not go with a list of databases",
                                     "List the databases that are meant, or give their folder.",
                                     "selection_not_supported");
    }
    std::vector<std::filesystem::path> paths;
    for (const std::string& given : options.databases) {
        paths.push_back(real_path(given));
    }
    std::sort(paths.begin(), paths.end());
    if (const auto twice = std::adjacent_find(paths.begin(), paths.end()); twice != paths.end()) {
        throw explained<ConfigError>(
            fmt::format("the database {} is given twice", twice->native()),
            "Give each database once; a symbolic link is the file that it leads to.",
            "database_given_twice");
    }
    const std::filesystem::path folder = common_folder(paths);
    DatabaseSet set;
    for (const std::filesystem::path& path : paths) {
        add_member(set, path, path.lexically_relative(folder).native());
        set.former_identities.push_back(identity_of(path));
    }
    const std::string listed = identity_of_list(set, folder);
    set.identity = options.name.empty() ? listed : identity_of(fmt::format("[{}]", options.name));
    set.former_identities.push_back(listed);
    set.suggested_name = suggested_name(folder.filename().native());
    return set;
}

}  // namespace

bool begins_like_database(const std::filesystem::path& path) {
    std::array<std::uint8_t, kMagic.size()> begin{};
    const File file = File::open(path, File::Mode::read);
    return file.read_at(0, begin) == begin.size() && as_text(begin) == kMagic;
}

std::uint64_t DatabaseSet::size_bytes() const {
    std::uint64_t bytes = 0;
    for (const SetMember& member : members) {
        bytes += member.size_bytes;
    }
    return bytes;
}

bool is_set(const SourceOptions& options) {
    return !options.folder.empty() || options.databases.size() > 1;
}

std::string suggested_name(std::string_view stem) {
    std::string name = stem.empty() ? "sqlite-root" : "sqlite-";
    for (const char c : stem) {
        if (c >= 'A' && c <= 'Z') {
            name += static_cast<char>(c - 'A' + 'a');
        } else {
            const bool is_allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                                    c == '_' || c == '-';
            name += is_allowed ? c : '-';
        }
    }
    return name;
}

DatabaseSet find_databases(const SourceOptions& options) {
    return options.folder.empty() ? find_in_list(options) : find_in_folder(options);
}

}  // namespace dbbackup::sqlite
