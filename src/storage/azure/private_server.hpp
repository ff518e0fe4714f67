#pragma once

/// @file
/// Whom a secret may be sent to as it is.

#include <algorithm>
#include <array>
#include <string_view>

namespace dbbackup {

/// Whether what is sent is encrypted or stays on this machine. @param host With or without a port.
[[nodiscard]] inline bool is_private_server(std::string_view scheme, std::string_view host) {
    constexpr std::array<std::string_view, 3> kHere = {"127.0.0.1", "localhost", "[::1]"};
    return scheme == "https" || std::ranges::any_of(kHere, [host](std::string_view here) {
               return host == here || (host.starts_with(here) && host.at(here.size()) == ':');
           });
}

}  // namespace dbbackup
