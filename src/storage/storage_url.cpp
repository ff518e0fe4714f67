/// @file
/// Reads repository URLs. No message repeats the text as a whole: it may hold a password.

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "storage/registry.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <utility>

namespace dbbackup {
namespace {

/// In the order of StorageType.
constexpr std::array<std::string_view, EnumWords<StorageType>::words.size()> kSchemes = {
    "file", "s3", "gs", "az"};

ConfigError bad_url(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "bad_repository_url");
}

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/// Source: RFC 3986, section 3.1.
bool is_scheme(std::string_view text) {
    return !text.empty() && is_letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
           });
}

std::string lower_case(std::string_view text) {
    std::string result(text);
    for (char& character : result) {
        if (character >= 'A' && character <= 'Z') {
            character = static_cast<char>(character - 'A' + 'a');
        }
    }
    return result;
}

/// Source: RFC 3986, section 2.1. A '+' stays a '+'.
std::string percent_decoded(std::string_view text) {
    constexpr std::size_t kEscapeLength = 3;
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            result.push_back(text[at]);
            continue;
        }
        const Bytes byte = from_hex(lower_case(text.substr(at + 1, kEscapeLength - 1)));
        if (byte.size() != 1 || byte.front() == 0) {
            throw bad_url("the repository URL has a '%' that two hexadecimal digits do not follow",
                          "Write a percent sign as %25, or give a plain path.");
        }
        result.push_back(static_cast<char>(byte.front()));
        at += kEscapeLength - 1;
    }
    return result;
}

/// Whether a query parameter of this name would carry a secret (sig: Azure's signed URLs).
bool is_secret_name(std::string_view name) {
    constexpr std::array<std::string_view, 6> kParts = {"secret",     "password",  "token",
                                                        "credential", "signature", "access_key"};
    const std::string lower = lower_case(name);
    return lower == "sig" || lower == "key" ||
           std::any_of(kParts.begin(), kParts.end(), [&lower](std::string_view part) {
               return lower.find(part) != std::string::npos;
           });
}

[[noreturn]] void refuse_credentials() {
    throw bad_url("the repository URL holds credentials",
                  "Leave them out of the URL and give them through the store's own environment "
                  "variables or files.");
}

std::map<std::string, std::string> parsed_query(std::string_view text) {
    std::map<std::string, std::string> query;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        const std::string_view item = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (item.empty()) {
            continue;
        }
        const std::size_t equals = std::min(item.find('='), item.size());
        std::string name = percent_decoded(item.substr(0, equals));
        if (is_secret_name(name)) {
            refuse_credentials();
        }
        std::string value = percent_decoded(item.substr(std::min(equals + 1, item.size())));
        if (!query.emplace(name, std::move(value)).second) {
            throw bad_url(fmt::format("the repository URL gives '{}' twice", name),
                          "Give each parameter once.");
        }
    }
    return query;
}

void strip_trailing_slashes(std::string& path, std::size_t length_min) {
    while (path.size() > length_min && path.back() == '/') {
        path.pop_back();
    }
}

/// Absolute, without "." and doubled slashes. ".." stays: what it means depends on links.
std::string normal_path(std::string_view text) {
    const std::filesystem::path path = absolute_path(text);
    const bool climbs = std::find(path.begin(), path.end(), "..") != path.end();
    std::string result = climbs ? path.string() : path.lexically_normal().string();
    strip_trailing_slashes(result, 1);
    return result;
}

/// The path of "file://" + `rest`. Source: RFC 8089, section 2.
std::string file_path(std::string_view rest) {
    const std::size_t slash = rest.find('/');
    const std::string_view host = rest.substr(0, slash);
    if (slash == std::string_view::npos || (!host.empty() && host != "localhost")) {
        throw bad_url("a file URL must name an absolute path on this machine",
                      "Write file:///path with three slashes, or only the path.");
    }
    return normal_path(percent_decoded(rest.substr(slash)));
}

/// "bucket/prefix" of a cloud store.
std::string bucket_path(std::string_view scheme, std::string_view rest) {
    std::string path = percent_decoded(rest);
    strip_trailing_slashes(path, 0);
    if (path.empty() || path.front() == '/') {
        throw bad_url(fmt::format("the {} URL names no bucket", scheme),
                      fmt::format("Write {}://bucket/prefix.", scheme));
    }
    return path;
}

StorageUrl parsed_path(std::string_view text) {
    const std::string_view first = text.substr(0, text.find('/'));
    // "s3:bucket" as a folder of that name is hardly what was meant, and would be made silently.
    if (!first.starts_with('.') && first.find(':') != std::string_view::npos) {
        throw bad_url("the repository has a ':' that '//' does not follow",
                      "Write scheme://bucket/prefix, or ./ before a path with a ':' in it.");
    }
    return {std::string(scheme_of(StorageType::local)), normal_path(text), {}};
}

}  // namespace

std::string_view scheme_of(StorageType type) noexcept {
    return kSchemes[static_cast<std::size_t>(type)];
}

std::optional<StorageType> StorageUrl::type() const noexcept {
    const auto* const found = std::find(kSchemes.begin(), kSchemes.end(), scheme);
    return found == kSchemes.end()
               ? std::nullopt
               : std::optional(static_cast<StorageType>(found - kSchemes.begin()));
}

StorageUrl StorageUrl::parse(std::string_view text) {
    if (text.empty()) {
        throw bad_url("the repository is an empty text",
                      "Give a path, file:///path or scheme://bucket/prefix.");
    }
    if (text.find('\0') != std::string_view::npos) {
        throw bad_url("the repository has a zero byte in it", "Give a path or a URL.");
    }
    constexpr std::string_view kSeparator = "://";
    const std::size_t separator = text.find(kSeparator);
    if (separator == std::string_view::npos || !is_scheme(text.substr(0, separator))) {
        return parsed_path(text);
    }
    StorageUrl url;
    url.scheme = lower_case(text.substr(0, separator));
    std::string_view rest = text.substr(separator + kSeparator.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find_first_of("@:") != std::string_view::npos) {
        refuse_credentials();
    }
    if (rest.find('#') != std::string_view::npos) {
        throw bad_url("the repository URL has a '#' in it", "Write it as %23.");
    }
    const std::size_t question = std::min(rest.find('?'), rest.size());
    url.query = parsed_query(rest.substr(std::min(question + 1, rest.size())));
    rest = rest.substr(0, question);
    url.path = url.type() == StorageType::local ? file_path(rest) : bucket_path(url.scheme, rest);
    return url;
}

}  // namespace dbbackup
