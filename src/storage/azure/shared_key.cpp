#include "storage/azure/shared_key.hpp"

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

namespace dbbackup {
namespace {

/// Lines with the values of these, and nothing but the value.
constexpr std::array<std::string_view, 11> kHeaders = {"content-encoding",
                                                       "content-language",
                                                       "content-length",
                                                       "content-md5",
                                                       "content-type",
                                                       "date",
                                                       "if-modified-since",
                                                       "if-match",
                                                       "if-none-match",
                                                       "if-unmodified-since",
                                                       "range"};

std::string value_of(const HttpHeaders& headers, std::string_view name) {
    const auto found = std::ranges::find(headers, name, &HttpHeaders::value_type::first);
    return found == headers.end() ? std::string() : found->second;
}

std::string own_header_lines(HttpHeaders headers) {
    std::erase_if(headers, [](const auto& header) { return !header.first.starts_with("x-ms-"); });
    std::sort(headers.begin(), headers.end());
    std::string lines;
    for (const auto& [name, value] : headers) {
        lines += fmt::format("{}:{}\n", name, value);
    }
    return lines;
}

std::string query_lines(const std::vector<std::pair<std::string, std::string>>& query) {
    std::map<std::string, std::vector<std::string>> values;
    for (const auto& [given, value] : query) {
        std::string name = given;
        std::ranges::transform(name, name.begin(), [](unsigned char character) {
            return static_cast<char>(std::tolower(character));
        });
        values[name].push_back(value);
    }
    std::string lines;
    for (auto& [name, all] : values) {
        std::sort(all.begin(), all.end());
        lines += fmt::format("\n{}:", name);
        for (const std::string& value : all) {
            lines += (&value == all.data() ? "" : ",") + value;
        }
    }
    return lines;
}

}  // namespace

std::string string_to_sign(const BlobRequest& request) {
    std::string text = request.method + "\n";
    for (const std::string_view name : kHeaders) {
        std::string value = value_of(request.headers, name);
        if (name == "content-length" && request.body_bytes != 0) {  // 0 is signed as nothing.
            value = std::to_string(request.body_bytes);
        }
        text += value + "\n";
    }
    return fmt::format("{}{}/{}{}{}", text, own_header_lines(request.headers), request.account,
                       request.path, query_lines(request.query));
}

std::string shared_key(const BlobRequest& request, BytesView key) {
    return fmt::format("SharedKey {}:{}", request.account,
                       to_base64(KeyedHash(key)(as_bytes(string_to_sign(request)))));
}

}  // namespace dbbackup
