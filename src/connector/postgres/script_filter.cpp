#include "connector/postgres/script_filter.hpp"

#include "base/units.hpp"

#include <string_view>

namespace dbbackup::postgres {
namespace {

/// The settings are within the first KiB.
constexpr std::size_t kHeadBytes = 4_KiB;

void without_later_settings(std::string& head) {
    constexpr std::string_view kSetting = "\nSET transaction_timeout = 0;\n";
    const std::size_t at = head.find(kSetting);
    if (at != std::string::npos && at < head.find("\n-- Name: ")) {
        head.erase(at, kSetting.size() - 1);
    }
}

}  // namespace

void ScriptFilter::take(BytesView part) {
    if (is_over_) {
        take_(part);
        return;
    }
    head_ += as_text(part);
    if (head_.size() >= kHeadBytes) {
        finish();
    }
}

void ScriptFilter::finish() {
    if (!is_over_) {
        is_over_ = true;
        without_later_settings(head_);
        take_(as_bytes(head_));
    }
}

void run_script(const Tool& psql, const ConnectionInfo& info,
                const std::function<BytesView()>& give, const std::stop_token& stop) {
    ToolCall(psql, info)
        .with("--no-psqlrc")
        .with("--quiet")
        .with("--set=ON_ERROR_STOP=1")
        .run(give, {}, stop);
}

}  // namespace dbbackup::postgres
