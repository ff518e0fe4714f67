#pragma once

/// @file
/// Which objects a store treats in a way of its own.

#include "storage/object_name.hpp"

#include <functional>

namespace dbbackup {

/// Told from above, because a store knows no kinds of objects. Both are called from several threads
/// at once.
struct ObjectRules {
    /// What is locked, where locks are asked for. Empty: everything.
    std::function<bool(const ObjectName&)> is_lasting = {};
    /// What is kept in another class of storage, where one is asked for. Empty: everything.
    std::function<bool(const ObjectName&)> is_bulk = {};

    [[nodiscard]] bool lasts(const ObjectName& name) const {
        return !is_lasting || is_lasting(name);
    }
    [[nodiscard]] bool is_large(const ObjectName& name) const { return !is_bulk || is_bulk(name); }
};

}  // namespace dbbackup
