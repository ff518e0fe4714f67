#include "config/plain_variables.hpp"

#include "config/read_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace dbbackup {
namespace {

using Rows = std::map<std::string, ConfigValue>;

/// A passphrase that one of three variables can give: NAME, NAME_FILE or NAME_COMMAND.
struct PassphraseVariables {
    std::string_view name;
    SecretSource EnvironmentDefaults::* member;

    [[nodiscard]] bool are(std::string_view variable) const { return variable.starts_with(name); }
};

constexpr std::array<PassphraseVariables, 3> kPassphrases = {{
    {"DB_BACKUP_PASSPHRASE", &EnvironmentDefaults::passphrase},
    {"DB_BACKUP_NEW_PASSPHRASE", &EnvironmentDefaults::new_passphrase},
    {"DB_BACKUP_TO_PASSPHRASE", &EnvironmentDefaults::to_passphrase},
}};

/// Reads the variables of one layer after the other; what a later one gives replaces the earlier.
class PlainReader {
public:
    PlainReader(const Environment& variables, LoadedConfig& loaded, Problems& problems)
        : variables_(variables), loaded_(loaded), problems_(problems) {}

    void read(const std::vector<VariableText>& layer) {
        for (const VariableText& variable : layer) {
            take_place(variable);
        }
        for (const PassphraseVariables& variables : kPassphrases) {
            read_passphrase(variables, layer);
        }
    }

    /// In the order of the table of variables.
    void add_rows() {
        for (const PlainVariable& variable : plain_variables()) {
            if (const auto row = rows_.find(std::string(variable.name)); row != rows_.end()) {
                loaded_.values.push_back(row->second);
            }
        }
    }

private:
    void read_passphrase(const PassphraseVariables& which, const std::vector<VariableText>& layer) {
        SecretSource passphrase;
        Rows rows;
        for (const VariableText& variable : layer) {
            if (which.are(variable.name)) {
                take_passphrase(which.name, variable, passphrase, rows);
            }
        }
        if (rows.size() > 1) {
            problems_.add(
                layer.front().origin.file, {}, which.name,
                "is given in more than one way (also …_FILE or …_COMMAND); keep one of them");
        }
        if (!rows.empty()) {
            loaded_.defaults.*which.member = std::move(passphrase);
            std::erase_if(rows_, [&which](const auto& row) { return which.are(row.first); });
            rows_.merge(rows);
        }
    }

    void take_passphrase(std::string_view name, const VariableText& variable,
                         SecretSource& passphrase, Rows& rows) {
        const std::string_view form = std::string_view(variable.name).substr(name.size());
        if (form.empty()) {
            passphrase.environment = variable.name;
            passphrase.environment_value = variable.value;
            add_row(rows, variable, "(secret)");
        } else if (form == "_FILE") {
            refuse_empty(variable);
            passphrase.file = path_of(variable);
            add_row(rows, variable, path_of(variable));
        } else if (form == "_COMMAND") {
            refuse_empty(variable);
            passphrase.command = variable.value;
            add_row(rows, variable, "(command)");
        }
    }

    void take_place(const VariableText& variable) {
        if (variable.name == "DB_BACKUP_KEY_FILE") {
            refuse_empty(variable);
            loaded_.defaults.key_file = path_of(variable);
            add_row(rows_, variable, path_of(variable));
        } else if (variable.name == "DB_BACKUP_REPOSITORY" && !variable.value.empty()) {
            const bool is_path = variable.value.find("://") == std::string::npos &&
                                 !loaded_.config.repositories.contains(variable.value);
            loaded_.defaults.repository = is_path ? path_of(variable) : variable.value;
            add_row(rows_, variable, masked_uri(*loaded_.defaults.repository));
        } else if (variable.name == "DB_BACKUP_CONFIG" && !variable.value.empty() &&
                   variable.origin.layer == Layer::environment) {
            add_row(rows_, variable, variable.value);
        }
    }

    /// Ignoring an empty one could make a repository that nobody wanted without encryption.
    void refuse_empty(const VariableText& variable) {
        if (variable.value.empty()) {
            problems_.add(variable.origin.file, variable.origin.mark, variable.name, "is empty");
        }
    }

    [[nodiscard]] std::string path_of(const VariableText& variable) const {
        return resolved_path(variable.value, variable.origin.folder, variables_);
    }

    static void add_row(Rows& rows, const VariableText& variable, std::string value) {
        const bool is_dotenv = variable.origin.layer == Layer::dotenv;
        rows.insert_or_assign(variable.name,
                              ConfigValue{variable.name, std::move(value),
                                          is_dotenv ? variable.origin.label : "environment"});
    }

    const Environment& variables_;
    LoadedConfig& loaded_;
    Problems& problems_;
    Rows rows_;
};

/// A misspelt DB_BACKUP_PASSPHRASE would otherwise go unnoticed.
void warn_of_unknown_variables(const std::vector<VariableText>& variables,
                               std::vector<std::string>& warnings) {
    std::vector<std::string> known;
    for (const PlainVariable& variable : plain_variables()) {
        known.emplace_back(variable.name);
    }
    for (const VariableText& variable : variables) {
        const std::string_view name = variable.name;
        // A hook may call the program: what it was told is no misspelling.
        if (!name.starts_with("DB_BACKUP_") || name.starts_with("DB_BACKUP__") ||
            name.starts_with("DB_BACKUP_HOOK_") ||
            std::find(known.begin(), known.end(), name) != known.end()) {
            continue;
        }
        const std::string suggestion = nearest(name, known);
        if (!suggestion.empty()) {
            warnings.push_back(fmt::format("{}: the variable {} is not read; did you mean {}?",
                                           variable.origin.file, shown(name), suggestion));
        }
    }
}

}  // namespace

void read_plain_variables(const VariableLayers& layers, const Environment& variables,
                          LoadedConfig& loaded, Problems& problems) {
    PlainReader reader(variables, loaded, problems);
    reader.read(layers.dotenv);
    reader.read(layers.environment);
    reader.add_rows();
    warn_of_unknown_variables(layers.dotenv, loaded.warnings);
    warn_of_unknown_variables(layers.environment, loaded.warnings);
}

}  // namespace dbbackup
