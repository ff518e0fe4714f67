#pragma once

/// @file
/// The sections `web` and `metrics`: how others learn what became of backups.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// Where a server listens.
struct ListenAddress {
    std::string host;        ///< An IP address, without brackets.
    std::uint16_t port = 0;  ///< 0: one that the system chooses.
    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// "127.0.0.1:8750", "[::1]:8750", or "8750" for a port of this machine alone; nothing for what is
/// none. Names are none, since what they mean may change.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

struct WebConfig {
    std::string listen;  ///< "": nothing listens.
};

struct MetricsConfig {
    std::optional<std::filesystem::path> textfile;
};

}  // namespace dbbackup
