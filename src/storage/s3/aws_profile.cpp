#include "storage/s3/aws_profile.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

bool is_space(char character) { return character == ' ' || character == '\t' || character == '\r'; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// "[profile shop]" as "shop".
std::string_view section_of(std::string_view line) {
    constexpr std::string_view kWord = "profile";
    std::string_view name = trimmed(line.substr(1, line.find(']') - 1));
    if (name.starts_with(kWord) && name.size() > kWord.size() && is_space(name[kWord.size()])) {
        name = trimmed(name.substr(kWord.size()));
    }
    return name;
}

/// Without what follows " #" or " ;".
std::string_view without_comment(std::string_view value) {
    for (std::size_t at = 1; at < value.size(); ++at) {
        if ((value[at] == '#' || value[at] == ';') && is_space(value[at - 1])) {
            return trimmed(value.substr(0, at));
        }
    }
    return value;
}

}  // namespace

AwsProfile read_aws_profile(std::string_view text, std::string_view name) {
    AwsProfile profile;
    bool is_ours = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view raw = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::string_view line = trimmed(raw);
        if (line.empty() || line.front() == '#' || line.front() == ';') {
            continue;
        }
        const std::size_t equals = line.find('=');
        if (line.front() == '[') {
            is_ours = line.find(']') != std::string_view::npos && section_of(line) == name;
        } else if (is_ours && !is_space(raw.front()) && equals != std::string_view::npos) {
            profile.insert_or_assign(std::string(trimmed(line.substr(0, equals))),
                                     without_comment(trimmed(line.substr(equals + 1))));
        }
    }
    return profile;
}

}  // namespace dbbackup
