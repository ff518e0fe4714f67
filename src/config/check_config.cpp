#include "config/check_config.hpp"

#include "config/check_schedules.hpp"
#include "config/name_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

using Path = std::vector<std::string>;

class Check {
public:
    Check(const Config& config, const Settings& settings, Problems& problems)
        : config_(config), settings_(settings), problems_(problems) {}

    void required_keys(const Origin* document) {
        for (const ConfigKey& key : config_keys()) {
            const Path& pattern = key.parts;
            if (!key.required) {
                continue;
            }
            if (pattern.size() == 1) {
                if (document != nullptr && !settings_.by_path.contains(pattern)) {
                    problems_.add(
                        document->file, {1, 1}, key.path,
                        fmt::format("is missing; add the line `{}: {}`", key.path, key.example));
                }
                continue;
            }
            for (const auto& [section, origin] : settings_.sections) {
                Path path = {section[0], section[1], pattern.back()};
                if (section[0] == pattern[0] && !settings_.by_path.contains(path)) {
                    problems_.add(origin.file, origin.mark, key_text(path),
                                  fmt::format("is missing; add for example `{}: {}`",
                                              pattern.back(), key.example));
                }
            }
        }
    }

    void repositories() {
        for (const auto& [name, repository] : config_.repositories) {
            const Path section = {"repositories", name};
            const bool has_passphrase = repository.passphrase.is_set();
            if (repository.encryption == Encryption::none &&
                (has_passphrase || repository.key_file)) {
                wrong(section, "encryption",
                      "is none, but a passphrase or key file is given; remove one of them");
            }
            if (repository.encryption == Encryption::keyfile && is_missing(section, "key_file")) {
                wrong(section, "encryption", "is keyfile, but there is no key_file");
            }
            if (repository.encryption == Encryption::passphrase && repository.key_file) {
                wrong(section, "key_file", "is given, but the encryption is passphrase");
            }
            const Path lock = {"repositories", name, "object_lock"};
            if (!is_missing(lock, "mode") && is_missing(lock, "days")) {
                wrong(lock, "mode", "is given without object_lock.days, so nothing is locked");
            }
        }
    }

    void sources() {
        std::vector<std::string> repositories;
        for (const auto& [name, repository] : config_.repositories) {
            repositories.push_back(name);
        }
        for (const auto& [name, source] : config_.sources) {
            const Path section = {"sources", name};
            const Path type = {"sources", name, "type"};
            if (source.type == DatabaseType::sqlite && !is_missing(section, "type") &&
                !settings_.unreadable.contains(type)) {
                sqlite(section, source);
            }
            if (source.compression && source.compression->kind == CompressionKind::zip) {
                wrong(section, "compression",
                      "zip is only for archives (--format archive); use zstd, gzip or none");
            }
            if (source.type != DatabaseType::sqlite && source.type != DatabaseType::postgres &&
                source.databases.size() > 1) {
                wrong(section, "database",
                      "is one for a server of this type; add a source for each");
            }
            if (source.type != DatabaseType::postgres && source.is_all_databases) {
                wrong(section, "all_databases", "is only for postgres");
            }
            if (source.is_all_databases && !source.databases.empty()) {
                wrong(section, "all_databases",
                      "and database exclude each other; remove one of them");
            }
            if (source.type != DatabaseType::sqlite && !is_missing(section, "all")) {
                wrong(section, "all", "is only for sqlite");
            }
            if (!source.repository.empty() && !config_.repositories.contains(source.repository)) {
                wrong(section, "repository",
                      fmt::format("there is no repository \"{}\" in repositories",
                                  shown(source.repository)),
                      nearest(source.repository, repositories));
            }
        }
        for (const auto& [name, repository] : config_.repositories) {
            mirrors({"repositories", name}, name, repository, repositories);
        }
    }

    void monitoring() {
        if (!config_.web.listen.empty() && !parse_listen_address(config_.web.listen)) {
            wrong({"web"}, "listen",
                  fmt::format("\"{}\" is no address such as 127.0.0.1:8750 or [::1]:8750, and no "
                              "port",
                              shown(config_.web.listen)));
        }
        if (config_.metrics.textfile && config_.metrics.textfile->extension() != ".prom") {
            wrong({"metrics"}, "textfile",
                  "does not end in .prom, so the node exporter would not read it");
        }
    }

    void schedules() {
        check_schedules(config_, [this](const Path& section, const std::string& key,
                                        std::string_view problem, std::string_view suggestion) {
            // What could not be read may be what is missing.
            const auto is_of_section = [&section](const Path& path) {
                return path[0] == section[0] && path[1] == section[1];
            };
            if (std::none_of(settings_.unreadable.begin(), settings_.unreadable.end(),
                             is_of_section)) {
                wrong(section, key, problem, suggestion);
            }
        });
    }

private:
    void mirrors(const Path& section, const std::string& name, const RepositoryConfig& repository,
                 const std::vector<std::string>& repositories) {
        for (const std::string& mirror : repository.mirror_to) {
            if (mirror == name) {
                wrong(section, "mirror_to", "names the repository itself");
            } else if (!config_.repositories.contains(mirror)) {
                wrong(section, "mirror_to",
                      fmt::format("there is no repository \"{}\" in repositories", shown(mirror)),
                      nearest(mirror, repositories));
            }
        }
    }

    [[nodiscard]] bool is_missing(const Path& section, const std::string& key) const {
        Path path = section;
        path.push_back(key);
        return !settings_.by_path.contains(path);
    }

    void sqlite(const Path& section, const SourceConfig& source) {
        const Path database = {section[0], section[1], "database"};
        const bool is_given = !source.databases.empty() &&
                              std::none_of(source.databases.begin(), source.databases.end(),
                                           [](const std::string& path) { return path.empty(); });
        const bool has_folder = !is_missing(section, "all");
        if (!is_given && !has_folder && !settings_.unreadable.contains(database)) {
            wrong(section, "database", "is missing; it is the path of the SQLite file");
        }
        if (has_folder && !is_missing(section, "database")) {
            wrong(section, "all", "and database exclude each other; remove one of them");
        }
        if (!source.uri.empty()) {
            wrong(section, "uri", "is not for sqlite; give the file as `database`");
        }
        for (const auto& [key, patterns] :
             {std::pair{"include", &source.include}, std::pair{"exclude", &source.exclude}}) {
            if (!patterns->empty() && !has_folder) {
                wrong(section, key,
                      "is not for sqlite, which is backed up whole; with `all` it names databases");
            }
            patterns_of_folder(section, key, *patterns);
        }
        if (source.password.is_set()) {
            const auto has_group = [&](const auto& entry) {
                return entry.second.names == Path{section[1]} &&
                       entry.second.key->group == "sources.*.password";
            };
            const auto found =
                std::find_if(settings_.by_path.begin(), settings_.by_path.end(), has_group);
            wrong(section, found == settings_.by_path.end() ? "password" : found->first.back(),
                  "is not for sqlite, which has no passwords");
        }
    }

    void patterns_of_folder(const Path& section, const std::string& key,
                            const std::vector<std::string>& patterns) {
        for (const std::string& pattern : patterns) {
            try {
                static_cast<void>(NamePattern(pattern));
            } catch (const ConfigError& error) {
                wrong(section, key, error.what());
            }
        }
    }

    /// Names the key where it was given, else the section that lacks it.
    void wrong(const Path& section, const std::string& key, std::string_view problem,
               std::string_view suggestion = {}) {
        Path path = section;
        path.push_back(key);
        Origin origin;
        if (const auto given = settings_.by_path.find(path); given != settings_.by_path.end()) {
            origin = given->second.origin;
            if (given->second.value.mark.line > 0) {
                origin.mark = given->second.value.mark;
            }
        } else if (const auto known = settings_.sections.find(section);
                   known != settings_.sections.end()) {
            origin = known->second;
        }
        problems_.add(origin.file, origin.mark, key_text(path), problem, suggestion);
    }

    const Config& config_;
    const Settings& settings_;
    Problems& problems_;
};

}  // namespace

void check_config(const Config& config, const Settings& settings, const Origin* document,
                  Problems& problems) {
    Check check(config, settings, problems);
    check.required_keys(document);
    check.repositories();
    check.sources();
    check.schedules();
    check.monitoring();
}

}  // namespace dbbackup
