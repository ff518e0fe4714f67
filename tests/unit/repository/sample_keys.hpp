#pragma once

/// @file
/// Keys of two repositories that do not exist.

#include "repository/keys.hpp"

#include <string>

namespace dbbackup {

/// Equal numbers give equal keys; other numbers are other repositories with other master keys.
inline Keys sample_keys(Cipher cipher, char number = '1') {
    return {cipher, std::string(32, number), Secret(Bytes(32, static_cast<std::uint8_t>(number)))};
}

/// A name that is no hash of anything.
template <class Name>
Name sample_name(std::uint8_t number) {
    Name name;
    name.bytes.fill(number);
    return name;
}

}  // namespace dbbackup
