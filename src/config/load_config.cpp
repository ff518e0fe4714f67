#include "config/check_config.hpp"
#include "config/config.hpp"
#include "config/dotenv.hpp"
#include "config/plain_variables.hpp"
#include "config/read_value.hpp"
#include "config/settings.hpp"
#include "config/yaml_tree.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kFileBytesMax = 1_MiB;

/// One of the two files, read.
struct TextFile {
    std::string name;              ///< For messages.
    std::filesystem::path folder;  ///< What its relative paths are relative to.
    std::string text;
    bool is_readable_by_others = false;
};

struct Inputs {
    std::optional<TextFile> document;
    std::vector<TextFile> schedules;
    std::optional<TextFile> dotenv;
    Environment environment;
};

std::string value_or_empty(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

/// Reads a file that need not exist. What else is wrong with it is a problem.
std::optional<TextFile> read_text(const std::filesystem::path& path, Problems& problems) {
    try {
        const std::optional<Bytes> content = read_file(path, kFileBytesMax);
        if (!content) {
            return std::nullopt;
        }
        struct stat status{};
        const bool readable_by_others = ::stat(path.c_str(), &status) == 0 &&
                                        S_ISREG(status.st_mode) && (status.st_mode & 0044U) != 0;
        return TextFile{path.native(), absolute_path(path).parent_path(),
                        std::string(as_text(*content)), readable_by_others};
    } catch (const FileError& error) {
        problems.add(path.native(), {}, "",
                     error.error_number() == EFBIG ? "is larger than 1 MiB" : error.what());
        return std::nullopt;
    }
}

/// The files of jobs, in the order of their names.
std::vector<TextFile> read_schedules(const std::filesystem::path& folder, Problems& problems) {
    std::vector<std::filesystem::path> paths;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().extension() == ".yaml") {
            paths.push_back(entry->path());
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        problems.add(folder.native(), {}, "", error.message());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<TextFile> files;
    for (const std::filesystem::path& path : paths) {
        if (std::optional<TextFile> file = read_text(path, problems)) {
            files.push_back(std::move(*file));
        }
    }
    return files;
}

/// Adds the jobs of such a file. Returns false when it could not be read.
bool collect_schedules(const TextFile& file, Settings& settings, Problems& problems) {
    const std::optional<YamlNode> root = parse_yaml(file.text, file.name, problems);
    if (!root) {
        return false;
    }
    const Origin origin{Layer::file,
                        file.name,
                        {},
                        std::filesystem::path(file.name).filename().native(),
                        file.folder};
    Settings here;
    if (!collect_document(*root, origin, here, problems)) {
        return false;
    }
    for (const auto& [path, setting] : here.by_path) {
        if (path[0] != "schedules") {
            problems.add(file.name, setting.origin.mark, key_text(path),
                         "only schedules may stand here");
        }
    }
    for (const auto& [path, place] : here.sections) {
        if (const auto other = settings.sections.find(path); other != settings.sections.end()) {
            problems.add(file.name, place.mark, key_text(path),
                         fmt::format("is in {}, too", other->second.file));
        }
    }
    settings.sections.merge(here.sections);
    settings.by_path.merge(here.by_path);
    return true;
}

/// The places to look at when no file was named, in order.
std::vector<std::filesystem::path> usual_paths(const Environment& environment) {
    std::vector<std::filesystem::path> paths = {"db-backup.yaml"};
    const std::filesystem::path config_home = value_or_empty(environment, "XDG_CONFIG_HOME");
    const std::filesystem::path home = value_or_empty(environment, "HOME");
    if (config_home.is_absolute()) {
        paths.push_back(config_home / "db-backup" / "config.yaml");
    } else if (home.is_absolute()) {
        paths.push_back(home / ".config" / "db-backup" / "config.yaml");
    }
    paths.emplace_back("/etc/db-backup/config.yaml");
    return paths;
}

/// Finds the file: one that was named must exist.
std::optional<std::filesystem::path> find_file(const std::optional<std::filesystem::path>& named,
                                               const Environment& environment) {
    const std::string variable = value_or_empty(environment, "DB_BACKUP_CONFIG");
    std::error_code ignored;
    if (named || !variable.empty()) {
        std::filesystem::path path = named ? *named : std::filesystem::path(variable);
        if (!std::filesystem::exists(path, ignored)) {
            throw explained<ConfigError>(
                fmt::format("there is no configuration file {}", path.native()),
                fmt::format(
                    "Correct {}, or write that file; `db-backup config schema` says what may "
                    "stand in it.",
                    named ? "--config" : "DB_BACKUP_CONFIG"),
                "config_missing");
        }
        return path;
    }
    for (const std::filesystem::path& path : usual_paths(environment)) {
        if (std::filesystem::exists(path, ignored)) {
            return path;
        }
    }
    return std::nullopt;
}

std::vector<VariableText> dotenv_variables(const std::optional<TextFile>& file,
                                           Problems& problems) {
    std::vector<VariableText> variables;
    if (!file) {
        return variables;
    }
    for (auto& [name, entry] : parse_dotenv(file->text, file->name, problems)) {
        variables.push_back({name,
                             entry.value,
                             {Layer::dotenv, file->name, entry.mark,
                              fmt::format(".env:{}", entry.mark.line), file->folder}});
    }
    return variables;
}

std::vector<VariableText> environment_variables(const Environment& environment) {
    std::vector<VariableText> variables;
    for (const auto& [name, value] : environment) {
        variables.push_back({name, value, {Layer::environment, "environment", {}, name, {}}});
    }
    return variables;
}

/// Fills the configuration and the rows of `config show`.
void apply(Settings& settings, const Environment& variables, LoadedConfig& loaded,
           Problems& problems) {
    for (const auto& [path, origin] : settings.sections) {
        if (path[0] == "repositories") {
            loaded.config.repositories.try_emplace(path[1]);
        } else if (path[0] == "sources") {
            loaded.config.sources.try_emplace(path[1]);
        } else if (path[0] == "retention") {
            loaded.config.retention.try_emplace(path[1]);
        } else if (path[0] == "schedules") {
            loaded.config.schedules.try_emplace(path[1]);
        } else if (path[0] == "notifications") {
            loaded.config.notifications.try_emplace(path[1]);
        }
    }
    for (const ConfigKey& key : config_keys()) {
        for (const auto& [path, setting] : settings.by_path) {
            if (setting.key != &key) {
                continue;
            }
            if (const auto value = read_value(setting, variables, problems)) {
                key.store(loaded.config, setting.names, *value);
                loaded.values.push_back(
                    {key_text(path), shown_value(setting, *value), setting.origin.label});
            } else {
                settings.unreadable.insert(path);
            }
        }
        if (key.fallback.empty()) {
            continue;
        }
        std::vector<std::string> path = key.parts;
        if (std::find(path.begin(), path.end(), "*") == path.end()) {
            if (!settings.by_path.contains(path)) {
                loaded.values.push_back({key.path, key.fallback, "default"});
            }
            continue;
        }
        for (const auto& [section, origin] : settings.sections) {
            path[1] = section[1];
            if (section[0] == path[0] && !settings.by_path.contains(path)) {
                loaded.values.push_back({key_text(path), key.fallback, "default"});
            }
        }
    }
}

/// Things that depend on other keys: a SQLite database is a path, a variable may be in `.env`.
void resolve(const Settings& settings, const Environment& variables, LoadedConfig& loaded) {
    Config& config = loaded.config;
    for (auto& [name, source] : config.sources) {
        const auto given = settings.by_path.find({"sources", name, "database"});
        if (source.type != DatabaseType::sqlite || given == settings.by_path.end()) {
            continue;
        }
        for (std::string& database : source.databases) {
            database = database.empty()
                           ? database
                           : resolved_path(database, given->second.origin.folder, variables);
        }
    }
    const auto look_up = [&](SecretSource& secret) {
        if (!secret.environment) {
            return;
        }
        loaded.secret_variables.push_back(*secret.environment);
        if (const auto found = variables.find(*secret.environment); found != variables.end()) {
            secret.environment_value = found->second;
        }
    };
    for (auto& [name, repository] : config.repositories) {
        look_up(repository.passphrase);
    }
    for (auto& [name, source] : config.sources) {
        look_up(source.password);
    }
    for (auto& [name, notification] : config.notifications) {
        look_up(notification.url);
        look_up(notification.signing);
        look_up(notification.password);
    }
}

bool holds_secret(const Setting& setting) {
    const std::string& text = setting.value.text;
    return (setting.key->kind == KeyKind::secret && text.find("${") == std::string::npos) ||
           (setting.key->kind == KeyKind::uri && masked_uri(text) != text &&
            text.find("${") == std::string::npos);
}

void warn_of_open_secrets(const Inputs& inputs, const Settings& settings,
                          const std::vector<VariableText>& dotenv,
                          std::vector<std::string>& warnings) {
    const auto warn = [&](const TextFile& file, const std::vector<std::string>& keys) {
        if (file.is_readable_by_others && !keys.empty()) {
            warnings.push_back(fmt::format(
                "{} can be read by other users and holds a secret ({}): run `chmod 600` on it, or "
                "give the secret by a file or command",
                file.name, fmt::join(keys, ", ")));
        }
    };
    std::vector<std::string> in_document;
    std::vector<std::string> in_dotenv;
    for (const auto& [path, setting] : settings.by_path) {
        if (holds_secret(setting)) {
            const bool is_document = setting.origin.layer == Layer::file;
            if (is_document || setting.origin.layer == Layer::dotenv) {
                (is_document ? in_document : in_dotenv).push_back(key_text(path));
            }
        }
    }
    for (const VariableText& variable : dotenv) {
        if (variable.name == "DB_BACKUP_PASSPHRASE" ||
            variable.name == "DB_BACKUP_NEW_PASSPHRASE" ||
            variable.name == "DB_BACKUP_TO_PASSPHRASE") {
            in_dotenv.push_back(variable.name);
        }
    }
    if (inputs.document) {
        warn(*inputs.document, in_document);
    }
    if (inputs.dotenv) {
        warn(*inputs.dotenv, in_dotenv);
    }
}

LoadedConfig load(const Inputs& inputs, Problems& problems) {
    const std::vector<VariableText> dotenv = dotenv_variables(inputs.dotenv, problems);
    const std::vector<VariableText> environment = environment_variables(inputs.environment);
    Environment variables = inputs.environment;
    for (const VariableText& variable : dotenv) {
        variables.try_emplace(variable.name, variable.value);
    }

    Settings settings;
    std::optional<Origin> document;
    bool is_readable = true;
    if (inputs.document) {
        const TextFile& file = *inputs.document;
        document = Origin{Layer::file,
                          file.name,
                          {},
                          std::filesystem::path(file.name).filename().native(),
                          file.folder};
        const std::optional<YamlNode> root = parse_yaml(file.text, file.name, problems);
        is_readable = root && collect_document(*root, *document, settings, problems);
    }
    for (const TextFile& file : inputs.schedules) {
        is_readable = collect_schedules(file, settings, problems) && is_readable;
    }
    // Variables refer to names in the file, so they say nothing when it could not be read.
    LoadedConfig loaded;
    if (is_readable) {
        collect_variables(dotenv, settings, problems);
        collect_variables(environment, settings, problems);
        settle_groups(settings, problems);
        apply(settings, variables, loaded, problems);
        resolve(settings, variables, loaded);
        check_config(loaded.config, settings, document ? &*document : nullptr, problems);
    }
    read_plain_variables({dotenv, environment}, variables, loaded, problems);
    problems.throw_if_any();
    warn_of_open_secrets(inputs, settings, dotenv, loaded.warnings);
    return loaded;
}

}  // namespace

LoadedConfig load_config(const std::optional<std::filesystem::path>& explicit_path,
                         const Environment& environment) {
    Problems problems;
    Inputs inputs{{}, {}, {}, environment};
    const std::optional<std::filesystem::path> path = find_file(explicit_path, environment);
    if (path) {
        inputs.document = read_text(*path, problems);
        inputs.schedules = read_schedules(added_schedules_folder(*path), problems);
        inputs.dotenv = read_text(path->parent_path() / ".env", problems);
        problems.throw_if_any();
    }
    LoadedConfig loaded = load(inputs, problems);
    loaded.config.path = path;
    return loaded;
}

std::filesystem::path added_schedules_folder(const std::filesystem::path& config) {
    return config.parent_path() / "schedules.d";
}

LoadedConfig load_config_text(std::string_view yaml, std::string_view dotenv,
                              const Environment& environment, std::string_view name) {
    Problems problems;
    return load({TextFile{std::string(name), {}, std::string(yaml), false},
                 {},
                 TextFile{".env", {}, std::string(dotenv), false},
                 environment},
                problems);
}

Environment process_environment() {
    Environment variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos && equals > 0) {
            variables.emplace(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    return variables;
}

}  // namespace dbbackup
