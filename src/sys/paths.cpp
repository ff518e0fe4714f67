#include "sys/paths.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::string_view kProgram = "db-backup";

/// The value of a variable if it is an absolute path. Source: XDG Base Directory Specification
/// 0.8, "Basics": "If an implementation encounters a relative path ... it should ... ignore it".
std::filesystem::path absolute_from(const char* variable) {
    // Nothing in this program changes its own environment while threads run.
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
    const std::filesystem::path path = value == nullptr ? "" : value;
    return path.is_absolute() ? path : std::filesystem::path();
}

/// What the user database says of who runs us, by `field`; "" where it says nothing.
std::string of_user(char* passwd::* field) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr || found->*field == nullptr) {
        return {};
    }
    return found->*field;
}

/// The home that the user database names: services often run without $HOME.
std::filesystem::path home_of_user() {
    const std::filesystem::path path = of_user(&passwd::pw_dir);
    return path.is_absolute() ? path : std::filesystem::path();
}

std::filesystem::path xdg_folder(const char* variable, std::string_view below_home) {
    if (const std::filesystem::path base = absolute_from(variable); !base.empty()) {
        return base / kProgram;
    }
    std::filesystem::path home = absolute_from("HOME");
    if (home.empty()) {
        home = home_of_user();
    }
    if (home.empty()) {
        throw explained<ConfigError>(
            "this user has no home folder",
            std::string("Set HOME or ") + variable + " to an absolute path.", "home_missing");
    }
    return home / below_home / kProgram;
}

}  // namespace

std::string user_name() {
    const std::string name = of_user(&passwd::pw_name);
    return name.empty() ? std::to_string(::geteuid()) : name;
}

std::filesystem::path data_home() { return xdg_folder("XDG_DATA_HOME", ".local/share"); }
std::filesystem::path config_home() { return xdg_folder("XDG_CONFIG_HOME", ".config"); }
std::filesystem::path cache_home() { return xdg_folder("XDG_CACHE_HOME", ".cache"); }
std::filesystem::path state_home() { return xdg_folder("XDG_STATE_HOME", ".local/state"); }

std::filesystem::path absolute_path(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (error) {
        throw explained<ConfigError>(fmt::format("cannot tell where {} is: the working folder: {}",
                                                 path.native(), error.message()),
                                     "Change to another folder, or give an absolute path.",
                                     "working_folder_missing");
    }
    return absolute;
}

}  // namespace dbbackup
