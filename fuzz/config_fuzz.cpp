// uses: base config

/// @file
/// Any bytes as a configuration file and its `.env` (behind the first NUL): they load or are
/// refused by a ConfigError; nothing else may happen.

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "config/config.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = dbbackup::as_text({data, size});
    const std::size_t end = text.find('\0');
    const std::string_view dotenv = end == text.npos ? "" : text.substr(end + 1);
    try {
        const dbbackup::Environment environment = {{"SHOP", "/srv/shop"}};
        static_cast<void>(dbbackup::load_config_text(text.substr(0, end), dotenv, environment));
    } catch (const dbbackup::ConfigError&) {
        // A clear refusal is a good answer.
    }
    return 0;
}
