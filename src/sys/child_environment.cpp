#include "sys/child_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

namespace dbbackup {
namespace {

/// Of "NAME=value".
std::string_view name_of(std::string_view variable) {
    return variable.substr(0, variable.find('='));
}

/// Whether "NAME=value" is a variable of ours that may hold a secret.
bool is_secret_variable(std::string_view variable) {
    std::string name(name_of(variable));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    return name.starts_with("DB_BACKUP_") &&
           (name.find("PASSPHRASE") != std::string::npos ||
            name.find("PASSWORD") != std::string::npos || name.ends_with("__URI"));
}

}  // namespace

std::vector<char*> child_environment(const std::vector<std::string>& also) {
    std::vector<char*> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const bool is_replaced = std::any_of(
            also.begin(), also.end(),
            [variable](const std::string& other) { return name_of(other) == name_of(*variable); });
        if (!is_replaced && !is_secret_variable(*variable)) {
            variables.push_back(*variable);
        }
    }
    for (const std::string& variable : also) {
        // posix_spawn wants it so, and changes nothing.
        variables.push_back(const_cast<char*>(variable.c_str()));
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
