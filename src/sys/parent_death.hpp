#pragma once

/// @file
/// A child of this program that ends when its parent dies, however the parent dies.

#include <string>

namespace dbbackup {

/// "NAME=value" for the environment of a child that is this program, too. @param lock A descriptor
/// that it inherits and does not pass on: what it leaves running has no share in the lock.
[[nodiscard]] std::string parent_variable(int lock);

/// If such a parent started us: when the thread that did so ends, we get SIGTERM. Call it first,
/// before there are threads. Ends the process when the parent is gone already.
void end_with_parent() noexcept;

}  // namespace dbbackup
