#include "config/key_sections.hpp"
#include "config/monitoring_config.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>

namespace dbbackup {
namespace {

bool is_address(int family, const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    return ::inet_pton(family, text.c_str(), address.data()) == 1;
}

}  // namespace

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    ListenAddress address;
    std::string_view port = text;
    address.host = "127.0.0.1";
    if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        address.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        const bool has_brackets =
            address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
        if (has_brackets) {
            address.host = address.host.substr(1, address.host.size() - 2);
        }
        if (!is_address(has_brackets ? AF_INET6 : AF_INET, address.host)) {
            return std::nullopt;
        }
    }
    const char* const end = port.data() + port.size();
    const auto [rest, error] = std::from_chars(port.data(), end, address.port);
    return error == std::errc() && rest == end ? std::optional(address) : std::nullopt;
}

void add_monitoring_keys(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "web.listen",
                    .kind = KeyKind::text,
                    .description = "Where `schedule start` answers `/metrics` and `/healthz`: an "
                                   "address and a port, or a port of 127.0.0.1. Without it, "
                                   "nowhere.",
                    .example = "127.0.0.1:8750",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.web.listen = value.text;
                    }});
    keys.push_back({.path = "metrics.textfile",
                    .kind = KeyKind::path,
                    .description =
                        "A file for the textfile collector of Prometheus' node exporter, "
                        "written after each backup and by the scheduler.",
                    .example = "/var/lib/prometheus/node-exporter/db-backup.prom",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.metrics.textfile = value.text;
                    }});
}

}  // namespace dbbackup
