#include "sys/child_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

namespace dbbackup {
namespace {

/// Whether "NAME=value" is a variable of ours that may hold a secret.
bool is_secret_variable(std::string_view variable) {
    std::string name(variable.substr(0, variable.find('=')));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    return name.starts_with("DB_BACKUP_") &&
           (name.find("PASSPHRASE") != std::string::npos ||
            name.find("PASSWORD") != std::string::npos || name.ends_with("__URI"));
}

}  // namespace

std::vector<char*> child_environment() {
    std::vector<char*> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        if (!is_secret_variable(*variable)) {
            variables.push_back(*variable);
        }
    }
    variables.push_back(nullptr);
    return variables;
}

void forget_variables(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        ::unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): the caller sees to it
    }
}

}  // namespace dbbackup
