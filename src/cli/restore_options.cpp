#include "cli/restore_options.hpp"

#include "base/error.hpp"
#include "cli/command_context.hpp"
#include "cli/snapshot_text.hpp"
#include "config/name_pattern.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

namespace dbbackup {
namespace {

Selection selection_of(const RestoreArguments& arguments) {
    if (arguments.is_schema_only && arguments.is_data_only) {
        throw explained<ConfigError>("--schema-only and --data-only exclude each other",
                                     "Leave both out for definitions and rows.", "usage");
    }
    Selection selection;
    selection.names = NameSelection::parse(arguments.include, arguments.exclude);
    selection.where = arguments.where;
    selection.renames = arguments.renames;
    if (arguments.is_schema_only || arguments.is_data_only) {
        selection.parts = arguments.is_schema_only ? Parts::schema : Parts::data;
    }
    return selection;
}

}  // namespace

std::string left_text(const std::vector<std::string>& restored) {
    constexpr std::size_t kNamesMax = 10;
    const std::size_t named = std::min(restored.size(), kNamesMax);
    return fmt::format(
        "{} before: {}{}; the others are as they were.",
        restored.size() == 1 ? "One database was restored"
                             : counted(restored.size(), "database") + " were restored",
        fmt::join(restored.begin(), restored.begin() + static_cast<std::ptrdiff_t>(named), ", "),
        named < restored.size() ? " and others" : "");
}

RestoreOptions restore_options(const RestoreArguments& arguments) {
    RestoreOptions options;
    options.target = arguments.target.value();
    options.overwrite = arguments.is_clean ? Overwrite::yes : Overwrite::no;
    options.keeps_owners = !arguments.is_without_owners;
    options.keeps_privileges = !arguments.is_without_privileges;
    options.makes_roles = arguments.makes_roles;
    options.verify = arguments.is_verify;
    options.is_dry_run = arguments.is_dry_run;
    options.is_partial = arguments.is_partial;
    options.jobs = chosen_jobs(arguments.jobs);
    options.selection = selection_of(arguments);
    return options;
}

void check_target(const RestoreArguments& arguments, DatabaseType type) {
    if (!arguments.target) {
        throw explained<ConfigError>("restore does not know where to restore to",
                                     type == DatabaseType::sqlite
                                         ? "Give a file, or for several databases a folder: "
                                           "--to PATH."
                                         : "Give a target: --to URI.",
                                     "target_missing");
    }
}

}  // namespace dbbackup
