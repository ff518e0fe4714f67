#pragma once

/// @file
/// Part of `verify`: lists every object and reads every record object.

#include "engine/findings.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <map>
#include <stop_token>

namespace dbbackup {

/// What the listing tells.
struct ObjectCheck {
    std::map<PackName, std::uint64_t> packs;  ///< Their sizes in bytes.
    std::uint64_t key_slots = 0;
};

/// @param reads_records Also get and decode every object that is no pack; false: only list.
[[nodiscard]] ObjectCheck check_objects(Repository& repository, bool reads_records,
                                        Findings& findings, std::stop_token stop);

}  // namespace dbbackup
