#include "base/error.hpp"

namespace dbbackup {

Error::Error(std::string message, Retry retry) : message_(std::move(message)), retry_(retry) {}

void Error::add_context(std::string attempting) { context_.push_back(std::move(attempting)); }

void Error::set_hint(std::string hint) { hint_ = std::move(hint); }

void Error::set_code(std::string code) { code_ = std::move(code); }

std::string Error::code() const {
    return code_.empty() ? std::string(exit_code_name(exit_code())) : code_;
}

std::string_view exit_code_name(ExitCode code) noexcept {
    switch (code) {
        case ExitCode::success: return "success";
        case ExitCode::failure: return "failure";
        case ExitCode::usage: return "usage";
        case ExitCode::incomplete: return "incomplete";
        case ExitCode::repository_missing: return "repository_missing";
        case ExitCode::wrong_key: return "wrong_key";
        case ExitCode::corruption: return "corruption";
        case ExitCode::repository: return "repository";
        case ExitCode::source: return "source";
        case ExitCode::storage: return "storage";
        case ExitCode::cancelled: return "cancelled";
    }
    return "failure";
}

}  // namespace dbbackup
