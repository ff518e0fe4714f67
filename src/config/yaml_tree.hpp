#pragma once

/// @file
/// A YAML document as a small tree with places. Only yaml_tree.cpp knows the YAML library.

#include "config/problems.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// One value of a YAML document.
struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, list, map };
    struct Key {
        std::string text;
        Mark mark;
    };

    Kind kind = Kind::null;
    Mark mark = {};
    std::string text = {};             ///< Of a scalar.
    std::vector<Key> keys = {};        ///< Of a map, one for each of `items`; all different.
    std::vector<YamlNode> items = {};  ///< Of a list or a map.
};

/// Reads `text`; what is wrong is added to `problems` under the name `file`. Nothing when there is
/// no tree to go on with. Aliases, deep nesting and huge documents are refused, so that time and
/// memory stay in proportion to the text.
[[nodiscard]] std::optional<YamlNode> parse_yaml(std::string_view text, std::string_view file,
                                                 Problems& problems);

}  // namespace dbbackup
