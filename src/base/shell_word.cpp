#include "base/shell_word.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace dbbackup {

std::string shell_word(const std::string& text) {
    const bool is_plain = !text.empty() && std::ranges::all_of(text, [](unsigned char character) {
        return std::isalnum(character) != 0 ||
               std::string_view("/._-:=@%+,").find(static_cast<char>(character)) !=
                   std::string_view::npos;
    });
    if (is_plain) {
        return text;
    }
    std::string word = "'";
    for (const char character : text) {
        word += character == '\'' ? std::string("'\\''") : std::string(1, character);
    }
    return word + "'";
}

}  // namespace dbbackup
