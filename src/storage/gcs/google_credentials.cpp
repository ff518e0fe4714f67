#include "storage/gcs/google_credentials.hpp"

#include "base/error.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/gcs/gcs_place.hpp"
#include "sys/secret_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kFileBytesMax = std::uint64_t{64} * 1024;
constexpr std::string_view kTokenUrl = "https://oauth2.googleapis.com/token";
constexpr const char* kVariable = "GOOGLE_APPLICATION_CREDENTIALS";

ConfigError unusable(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "credentials_unusable");
}

/// A file of credentials; what is secret in it is overwritten when this goes.
class CredentialFile {
public:
    CredentialFile(std::filesystem::path path, Bytes content)
        : path_(std::move(path)),
          json_(nlohmann::json::parse(content.begin(), content.end(), nullptr, false)) {
        wipe(content);
        if (!json_.is_object()) {
            throw unusable(fmt::format("the file of credentials {} is no JSON", path_.string()),
                           "Download the key file again.");
        }
    }
    CredentialFile(const CredentialFile&) = delete;
    CredentialFile& operator=(const CredentialFile&) = delete;
    ~CredentialFile() {
        for (const char* name : {"private_key", "client_secret", "refresh_token"}) {
            const auto found = json_.find(name);
            if (auto* const text =
                    found == json_.end() ? nullptr : found->get_ptr<std::string*>()) {
                wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
            }
        }
    }

    [[nodiscard]] std::string text(const char* name) const { return text_at(json_, name); }

    [[nodiscard]] std::string required(const char* name) const {
        check(name);
        return text(name);
    }

    [[nodiscard]] Secret secret(const char* name) const {
        check(name);
        return Secret(std::string_view(json_.find(name)->get_ref<const std::string&>()));
    }

    /// Where tokens are given: Google's unless the file says another place.
    [[nodiscard]] std::string token_url() const {
        std::string given = text("token_uri");
        if (given.empty()) {
            return std::string(kTokenUrl);
        }
        if (!is_private_way(given)) {
            throw unusable(fmt::format("the token_uri in {} is neither https nor on this machine",
                                       path_.string()),
                           "Download the key file again.");
        }
        return given;
    }

private:
    void check(const char* name) const {
        const auto found = json_.find(name);
        if (found == json_.end() || !found->is_string() ||
            found->get_ref<const std::string&>().empty()) {
            throw unusable(
                fmt::format("the file of credentials {} has no '{}'", path_.string(), name),
                "Download the key file again.");
        }
    }

    std::filesystem::path path_;
    nlohmann::json json_;
};

}  // namespace

class GoogleCredentialChain::Search {
public:
    Search(ReadVariable variable, const Clock& clock, HttpClient& http, HttpClient& metadata_http,
           GoogleScope scope)
        : variable_(std::move(variable)),
          clock_(clock),
          http_(http),
          metadata_(metadata_http),
          scope_(scope) {}

    /// Called by one thread at a time.
    ExpiringGoogleToken find(const std::stop_token& stop) {
        if (const auto named = variable_(kVariable)) {
            std::optional<Bytes> content = read(*named, stop);
            if (!content) {
                throw unusable(
                    fmt::format("{} names {}, and there is no such file", kVariable, *named),
                    "Correct the variable, or put the key file there.");
            }
            return of_file(*named, std::move(*content), stop);
        }
        const std::filesystem::path kept = gcloud_file();
        if (std::optional<Bytes> content = read(kept, stop)) {
            return of_file(kept, std::move(*content), stop);
        }
        if (auto found = machine_token(metadata_, variable_, now(), stop)) {
            is_of_machine_ = true;
            return std::move(*found);
        }
        if (is_of_machine_) {  // It gave one before, so this passes.
            throw StorageError("the machine's metadata server does not answer", Retry::may_help);
        }
        throw explained<ConfigError>(
            fmt::format("there are no Google credentials: {} is not set, there is no {}, and the "
                        "machine's metadata server gives none",
                        kVariable, kept.string()),
            fmt::format("Set {} to the key file of a service account, or log in with \"gcloud auth "
                        "application-default login\".",
                        kVariable),
            "credentials_missing");
    }

private:
    static std::optional<Bytes> read(const std::filesystem::path& file,
                                     const std::stop_token& stop) {
        try {
            return read_secret_file(file, kFileBytesMax, kSecretPatience, stop);
        } catch (const Error& error) {
            throw unusable(fmt::format("the file of credentials cannot be used: {}", error.what()),
                           "Let the user that db-backup runs as read it.");
        }
    }

    [[nodiscard]] std::filesystem::path gcloud_file() const {
        constexpr const char* kName = "application_default_credentials.json";
        if (const auto folder = variable_("CLOUDSDK_CONFIG")) {
            return std::filesystem::path(*folder) / kName;
        }
        return std::filesystem::path(variable_("HOME").value_or("")) / ".config/gcloud" / kName;
    }

    ExpiringGoogleToken of_file(const std::filesystem::path& path, Bytes content,
                                const std::stop_token& stop) const {
        const CredentialFile file(path, std::move(content));
        const std::string type = file.required("type");
        if (type == "service_account") {
            const ServiceAccountKey key{file.required("client_email"), file.text("private_key_id"),
                                        file.token_url(), file.secret("private_key")};
            return service_account_token(http_, key, scope_, now(), stop);
        }
        if (type == "authorized_user") {
            const AuthorizedUser user{file.required("client_id"), file.token_url(),
                                      file.secret("client_secret"), file.secret("refresh_token")};
            return authorized_user_token(http_, user, now(), stop);
        }
        throw unusable(fmt::format("the credentials in {} are of the type '{}', which db-backup "
                                   "cannot use",
                                   path.string(), type),
                       "Give the key file of a service account, or run on a machine of Google's.");
    }

    [[nodiscard]] std::chrono::sys_seconds now() const {
        return std::chrono::floor<std::chrono::seconds>(clock_.now());
    }

    ReadVariable variable_;
    const Clock& clock_;
    HttpClient& http_;
    HttpClient& metadata_;
    GoogleScope scope_;
    bool is_of_machine_ = false;
};

GoogleCredentialChain::GoogleCredentialChain(ReadVariable variable, const Clock& clock,
                                             HttpClient& http, HttpClient& metadata_http,
                                             GoogleScope scope)
    : search_(std::make_unique<Search>(std::move(variable), clock, http, metadata_http, scope)),
      tokens_(clock, [this](const std::stop_token& stop) { return search_->find(stop); }) {}

GoogleCredentialChain::~GoogleCredentialChain() = default;

std::shared_ptr<const GoogleToken> GoogleCredentialChain::token(const std::stop_token& stop) {
    return tokens_.get(stop);
}

void GoogleCredentialChain::forget(const std::shared_ptr<const GoogleToken>& refused) {
    tokens_.forget(refused);
}

}  // namespace dbbackup
