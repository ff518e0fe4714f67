#include "cli/key_file.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "cli/new_file.hpp"
#include "cli/repository_access.hpp"
#include "sys/file_error.hpp"
#include "sys/secret_file.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kFileBytesMax = 4096;
constexpr const char* kCode = "bad_key_file";

ConfigError bad_key_file(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), kCode);
}

}  // namespace

Secret read_key_file(const std::filesystem::path& path, std::stop_token stop) {
    std::optional<Bytes> content;
    try {
        content = read_secret_file(path, kFileBytesMax, kSecretPatience, std::move(stop));
    } catch (const FileError& error) {
        throw bad_key_file(error.what(), "Check the key file's name and permissions.");
    }
    if (!content) {
        throw bad_key_file(fmt::format("there is no key file {}", path.native()),
                           "Name the key file that the repository was made with.");
    }
    std::string_view text = as_text(*content);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.remove_suffix(1);
    }
    Bytes key = from_hex(text);
    wipe(*content);
    if (key.size() != kKeyBytes) {
        wipe(key);
        throw bad_key_file(
            fmt::format("{} is not a key file", path.native()),
            fmt::format("A key file holds {} hexadecimal digits on one line.", kKeyBytes * 2));
    }
    return Secret(std::move(key));
}

Secret make_key_file(const std::filesystem::path& path) {
    Bytes key(kKeyBytes);
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
        throw Error("the system gives no random numbers");
    }
    std::string text = to_hex(key) + "\n";
    try {
        write_new_file(path, as_bytes(text));
    } catch (const FileError& error) {
        wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
        throw bad_key_file(error.what(),
                           error.error_number() == EEXIST
                               ? "Choose a name that is not taken."
                               : "Choose a folder in which the key file can be made.");
    }
    wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    return Secret(std::move(key));
}

KeyOfFile read_or_make_key_file(const std::filesystem::path& path, Log& log, std::stop_token stop) {
    std::error_code error;
    if (!std::filesystem::exists(path, error) && !error) {
        return {make_key_file(path), true};
    }
    warn_of_open_secret(path, log);
    return {read_key_file(path, std::move(stop)), false};
}

}  // namespace dbbackup
