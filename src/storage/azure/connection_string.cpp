#include "storage/azure/connection_string.hpp"

#include "base/error.hpp"
#include "base/trimmed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace dbbackup {
namespace {

using Fields = std::map<std::string, std::string_view, std::less<>>;

/// By names in lower case: Azure's own programs do not mind.
Fields fields_of(std::string_view text) {
    Fields fields;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        const std::string_view field = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (field.empty()) {
            continue;
        }
        const std::size_t equals = field.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            throw explained<ConfigError>(
                "AZURE_STORAGE_CONNECTION_STRING is no connection string",
                "Copy all of it from the account's access keys in Azure's portal, and put it in "
                "quotes.",
                "credentials_unusable");
        }
        std::string name(field.substr(0, equals));
        std::ranges::transform(name, name.begin(), [](unsigned char character) {
            return static_cast<char>(std::tolower(character));
        });
        fields.insert_or_assign(std::move(name), field.substr(equals + 1));
    }
    return fields;
}

std::string_view field(const Fields& fields, std::string_view name, std::string_view otherwise) {
    const auto found = fields.find(name);
    return found == fields.end() || found->second.empty() ? otherwise : found->second;
}

/// Source: "Use the Azurite emulator for local Azure Storage development".
ConnectionString development_storage() {
    ConnectionString result;
    result.account = "devstoreaccount1";
    result.account_key =
        Secret(std::string_view("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
                                "K1SZFPTOtr/KBHBeksoGMGw=="));
    result.endpoint = "http://127.0.0.1:10000/devstoreaccount1";
    return result;
}

}  // namespace

ConnectionString parse_connection_string(std::string_view text) {
    const Fields fields = fields_of(text);
    if (field(fields, "usedevelopmentstorage", "") == "true") {
        return development_storage();
    }
    ConnectionString result;
    result.account = field(fields, "accountname", "");
    result.account_key = Secret(field(fields, "accountkey", ""));
    result.sas = Secret(field(fields, "sharedaccesssignature", ""));
    result.endpoint = field(fields, "blobendpoint", "");
    if (result.endpoint.empty() && !result.account.empty()) {
        result.endpoint =
            fmt::format("{}://{}.blob.{}", field(fields, "defaultendpointsprotocol", "https"),
                        result.account, field(fields, "endpointsuffix", "core.windows.net"));
    }
    return result;
}

}  // namespace dbbackup
