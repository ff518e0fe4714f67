#include "connector/sqlite/restore_set.hpp"

#include "base/units.hpp"
#include "connector/sqlite/companions.hpp"
#include "connector/sqlite/restore.hpp"
#include "connector/sqlite/target.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr std::size_t kNamesShownMax = 20;

CorruptionError unfit(const std::string& name, std::string_view why) {
    return explained<CorruptionError>(
        fmt::format("the snapshot names a database '{}', {}", name, why),
        "Restore it alone, under a name of your own: --include NAME --to FILE.",
        "database_name_unfit");
}

/// A path of plain names, below the folder.
bool stays_inside(const std::string& name) {
    const std::filesystem::path path(name);
    return !name.empty() && name.find('\0') == std::string::npos && path.is_relative() &&
           path.has_filename() && path.lexically_normal().native() == name &&
           std::none_of(path.begin(), path.end(), [](const std::filesystem::path& part) {
               return part == ".." || part == "." || part.empty();
           });
}

/// What is written for one database must not be another one's, or a part of its path.
void check_names(const std::vector<StoredStream>& streams) {
    std::set<std::string> names;
    for (const StoredStream& stream : streams) {
        if (!stays_inside(stream.name)) {
            throw unfit(stream.name, "which would not lie in the folder");
        }
        if (!names.insert(stream.name).second) {
            throw unfit(stream.name, "and another of that name");
        }
    }
    for (const std::string& name : names) {
        const auto database = database_of(name);
        if (database && names.contains(database->native())) {
            throw unfit(name, "which SQLite would take for a part of another one");
        }
        for (auto parent = std::filesystem::path(name).parent_path(); !parent.empty();
             parent = parent.parent_path()) {
            if (names.contains(parent.native())) {
                throw unfit(name, "and one that stands where its folder should");
            }
        }
    }
}

ConfigError not_a_folder(const std::filesystem::path& path, std::string_view why) {
    return explained<ConfigError>(fmt::format("{} {}", path.native(), why),
                                  "Give a folder, or a path for a new one, with --to.",
                                  "target_not_a_folder");
}

bool is_there(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::symlink_status(path, error).type() !=
           std::filesystem::file_type::not_found;
}

std::string names_text(const std::vector<std::string>& names) {
    const std::size_t shown = std::min(names.size(), kNamesShownMax);
    return fmt::format("{}{}",
                       fmt::join(names.begin(), names.begin() + std::ptrdiff_t(shown), ", "),
                       shown < names.size() ? " …" : "");
}

}  // namespace

RestoreSet::RestoreSet(RestoreRequest request, const std::vector<StoredStream>& streams,
                       std::chrono::milliseconds lock_timeout, std::stop_token stop)
    : request_(std::move(request)), lock_timeout_(lock_timeout), count_(streams.size()) {
    check_names(streams);
    examine_folder();
    for (const StoredStream& stream : streams) {
        plan_stream(stream, stop);
    }
    if (plan_.bytes_needed > plan_.bytes_free) {
        plan_.warnings.push_back(fmt::format("{} are needed, but only {} are free",
                                             format_size(plan_.bytes_needed),
                                             format_size(plan_.bytes_free)));
    }
}

void RestoreSet::examine_folder() {
    std::filesystem::path given = std::filesystem::absolute(request_.target).lexically_normal();
    if (!given.has_filename()) {
        given = given.parent_path();  // a slash at the end
    }
    std::filesystem::path existing = given;
    while (!is_there(existing) && existing.has_relative_path()) {
        existing = existing.parent_path();
    }
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(existing, error);
    if (error || !std::filesystem::is_directory(real, error)) {
        throw not_a_folder(existing, error ? error.message() : "is not a folder");
    }
    const std::filesystem::path rest = given.lexically_relative(existing);
    folder_ = rest == "." ? real : real / rest;
    plan_.target_state = existing == given ? "a folder" : "new";
    check_folder_writable(real);
    plan_.bytes_free = free_in(real);
    plan_.source_version = request_.server_version;
    if (existing != given) {
        plan_.steps.push_back(fmt::format("Make the folder {}.", folder_.native()));
    }
}

RestoreRequest RestoreSet::request_for(const StoredStream& stream) const {
    RestoreRequest request = request_;
    request.target = (folder_ / stream.name).native();
    request.source_bytes = stream.size_bytes;
    // Of a folder, the identity ends in its path.
    request.source_identity =
        request_.source_identity.ends_with('/') ? request_.source_identity + stream.name : "";
    return request;
}

std::filesystem::path RestoreSet::folder_of(const std::string& name) const {
    std::filesystem::path place = folder_;
    const std::filesystem::path relative(name);
    for (const std::filesystem::path& part : relative.parent_path()) {
        place /= part;
        std::error_code error;
        const auto type = std::filesystem::symlink_status(place, error).type();
        if (type == std::filesystem::file_type::not_found) {
            break;
        }
        if (type != std::filesystem::file_type::directory) {
            throw not_a_folder(place, "is not a folder of its own");
        }
    }
    std::error_code error;
    const std::filesystem::path target = folder_ / relative;
    if (std::filesystem::is_symlink(target, error)) {
        throw explained<ConfigError>(
            fmt::format("the target {} is a symbolic link", target.native()),
            "Move it away, or restore to another folder with --to.", "target_is_link");
    }
    return target.parent_path();
}

void RestoreSet::plan_stream(const StoredStream& stream, std::stop_token stop) {
    const bool has_folder = is_there(folder_of(stream.name));
    const std::filesystem::path target = folder_ / stream.name;
    std::string how = "as a new file";
    if (has_folder) {
        const auto session =
            make_file_session(request_for(stream), stream, lock_timeout_, std::move(stop));
        const RestorePlan& plan = session->plan();
        plan_.bytes_needed += plan.bytes_needed;
        plan_.overwrites = plan_.overwrites || plan.overwrites;
        how = plan.overwrites ? "over the database that is there" : how;
    } else {
        plan_.bytes_needed += stream.size_bytes;
    }
    plan_.steps.push_back(fmt::format("Write {} to {}, {}{}.", format_size(stream.size_bytes),
                                      target.native(), how,
                                      request_.verify ? ", and prove it" : ""));
}

void RestoreSet::make_folder_of(const std::string& name) {
    const std::filesystem::path wanted = folder_of(name);
    std::vector<std::filesystem::path> missing;
    for (std::filesystem::path place = wanted; !is_there(place); place = place.parent_path()) {
        missing.push_back(place);
    }
    std::reverse(missing.begin(), missing.end());
    for (const std::filesystem::path& place : missing) {
        std::error_code error;
        std::filesystem::create_directory(place, error);
        if (error) {
            throw explained<SourceError>(
                fmt::format("cannot make the folder {}: {}", place.native(), error.message()),
                "Make it first, or restore to another folder with --to.", "target_failed");
        }
        try {
            sync_directory(place.parent_path());
        } catch (const FileError& failure) {
            throw target_failed(failure);
        }
    }
    static_cast<void>(folder_of(name));  // Somebody may have put a link there meanwhile.
}

void RestoreSet::add_progress(Error& error, const std::string& name) const {
    error.add_context(fmt::format(
        "restoring {}, after {} of {} databases were restored{}{}; the others are as they were",
        name, done_.size(), count_, done_.empty() ? "" : ": ", names_text(done_)));
}

void RestoreSet::apply(StreamReader& stream, std::stop_token stop) {
    current_name_ = stream.stream().name;
    try {
        if (done_.empty() && plan_.bytes_needed > plan_.bytes_free) {
            Target target;
            target.path = folder_;
            target.bytes_free = plan_.bytes_free;
            refuse_full(target, plan_.bytes_needed);
        }
        make_folder_of(current_name_);
        current_ =
            make_file_session(request_for(stream.stream()), stream.stream(), lock_timeout_, stop);
        current_->apply(stream, std::move(stop));
    } catch (Error& error) {
        add_progress(error, current_name_);
        throw;
    }
}

std::string RestoreSet::end_stream(const StoredStream& /*stream*/,
                                   const Fingerprinter& fingerprinter, std::stop_token stop) {
    try {
        RestoreReport report = current_->finish(fingerprinter, std::move(stop));
        report_.bytes_written += report.bytes_written;
        report_.is_verified = report.is_verified && (done_.empty() || report_.is_verified);
        for (const std::string& warning : report.warnings) {
            report_.warnings.push_back(fmt::format("{}: {}", current_name_, warning));
        }
    } catch (Error& error) {
        add_progress(error, current_name_);
        throw;
    }
    current_.reset();
    done_.push_back(current_name_);
    return current_name_;
}

RestoreReport RestoreSet::finish(const Fingerprinter&, std::stop_token) {
    return std::move(report_);
}

}  // namespace dbbackup::sqlite
