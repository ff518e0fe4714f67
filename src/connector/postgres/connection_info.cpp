#include "connector/postgres/connection_info.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace dbbackup::postgres {
namespace {

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
struct FreeText {
    void operator()(char* text) const noexcept { PQfreemem(text); }
};

/// Keywords may be written as a URI's authority or path, or like variables; both go to libpq.
std::unique_ptr<PQconninfoOption, FreeOptions> parse(const std::string& text) {
    char* why = nullptr;
    std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(text.c_str(), &why));
    const std::unique_ptr<char, FreeText> words(why);
    if (!options) {
        // Its words may quote the text, and so a password.
        throw explained<ConfigError>(
            "libpq does not understand how to reach the server",
            "Write for example postgresql://user@host:5432/database, or 'host=… dbname=…'; special "
            "characters in a URI are written as %XX.",
            "bad_source_uri");
    }
    return options;
}

}  // namespace

ConnectionInfo::ConnectionInfo(const std::string& text, Secret password)
    : password_(std::move(password)) {
    const auto options = parse(text);
    for (PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val == nullptr) {
            continue;
        }
        const std::string_view keyword = option->keyword;
        if (keyword == "password") {
            if (password_.empty()) {
                password_ = Secret(std::string_view(option->val));
            }
            std::memset(option->val, 0, std::strlen(option->val));
        } else {
            set(keyword, option->val);
        }
    }
}

ConnectionInfo ConnectionInfo::clone() const {
    ConnectionInfo copy;
    copy.keywords_ = keywords_;
    copy.password_ = password_.clone();
    return copy;
}

ConnectionInfo ConnectionInfo::with_database(std::string_view name) const {
    ConnectionInfo copy = clone();
    copy.set("dbname", name);
    return copy;
}

std::string ConnectionInfo::value(std::string_view keyword) const {
    const auto found = std::find_if(keywords_.begin(), keywords_.end(),
                                    [&](const auto& pair) { return pair.first == keyword; });
    return found == keywords_.end() ? std::string() : found->second;
}

std::string ConnectionInfo::text() const {
    std::string text;
    for (const auto& [keyword, value] : keywords_) {
        text += fmt::format("{}{}='", text.empty() ? "" : " ", keyword);
        for (const char character : value) {
            if (character == '\'' || character == '\\') {
                text += '\\';
            }
            text += character;
        }
        text += '\'';
    }
    return text;
}

void ConnectionInfo::set(std::string_view keyword, std::string_view value) {
    const auto found = std::find_if(keywords_.begin(), keywords_.end(),
                                    [&](const auto& pair) { return pair.first == keyword; });
    if (found == keywords_.end()) {
        keywords_.emplace_back(keyword, value);
    } else {
        found->second = value;
    }
}

}  // namespace dbbackup::postgres
