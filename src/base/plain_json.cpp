#include "base/plain_json.hpp"

namespace dbbackup {
namespace {

constexpr int kDepthMax = 4;

}  // namespace

nlohmann::json parse_plain_json(std::string_view text) {
    using Event = nlohmann::json::parse_event_t;
    bool is_plain = true;
    const auto check = [&is_plain](int depth, Event event, nlohmann::json& parsed) {
        const bool is_fraction = event == Event::value && parsed.is_number_float();
        is_plain = is_plain && depth <= kDepthMax && !is_fraction;
        return is_plain;
    };
    nlohmann::json parsed = nlohmann::json::parse(text.begin(), text.end(), check, false);
    return is_plain ? std::move(parsed) : nlohmann::json(nlohmann::json::value_t::discarded);
}

}  // namespace dbbackup
