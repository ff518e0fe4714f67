#include "base/plain_json.hpp"

namespace dbbackup {
namespace {

constexpr int kDepthMax = 4;

bool is_plain(int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    const bool is_fraction =
        event == nlohmann::json::parse_event_t::value && parsed.is_number_float();
    return depth <= kDepthMax && !is_fraction;
}

}  // namespace

nlohmann::json parse_plain_json(std::string_view text) {
    return nlohmann::json::parse(text.begin(), text.end(), is_plain, false);
}

}  // namespace dbbackup
