#include "connector/connector.hpp"

#include "base/error.hpp"

namespace dbbackup {

void RestoreSession::inspect(StreamReader& /*stream*/, std::stop_token /*stop*/) {}

void RestoreSession::apply_together(StreamGroup& group, std::stop_token stop) {
    for (std::size_t index = 0; index < group.streams().size(); ++index) {
        apply(group.open(index, stop), stop);
        group.close(index);
    }
}

std::vector<StoredTable> Connector::tables(StreamReader& /*stream*/, const NameSelection& /*names*/,
                                           std::stop_token /*stop*/) {
    throw explained<ConfigError>("the tables of this kind of database cannot be told",
                                 "Leave out --tables.", "tables_not_supported");
}

std::string_view capture_name(Capture capture) noexcept {
    switch (capture) {
        case Capture::full: return "full";
        case Capture::tracked: return "tracked";
        case Capture::compared: return "compared";
        case Capture::unchanged: return "unchanged";
        case Capture::reread: return "reread";
        case Capture::native: return "native";
    }
    return "unknown";
}

std::string_view consistency_name(Consistency consistency) noexcept {
    switch (consistency) {
        case Consistency::view: return "view";
        case Consistency::locked: return "locked";
        case Consistency::fuzzy: return "fuzzy";
        case Consistency::none: return "none";
    }
    return "unknown";
}

}  // namespace dbbackup
