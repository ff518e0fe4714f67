#pragma once

/// @file
/// Whether the options of `config init` say enough, and nothing that contradicts itself. Pure.

#include "cli/arguments.hpp"
#include "config/enums.hpp"

#include <optional>

namespace dbbackup {

/// Whether somebody is there to answer what the options leave open.
enum class Answers : bool { none, from_terminal };

/// As the options say or mean it.
[[nodiscard]] std::optional<Encryption> asked_encryption(const ConfigInitArguments& arguments,
                                                         const GlobalArguments& globals);

/// @throws ConfigError (code "usage") that names all contradictions, and all that is missing where
/// nobody can be asked: who writes a script corrects it once.
void check_config_init(const ConfigInitArguments& arguments, const GlobalArguments& globals,
                       Answers answers);

}  // namespace dbbackup
