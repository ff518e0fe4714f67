#include "storage/s3/aws_credentials.hpp"

#include "base/error.hpp"
#include "storage/s3/aws_metadata.hpp"
#include "storage/s3/aws_profile.hpp"
#include "sys/file.hpp"
#include "sys/subprocess.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kProfileBytesMax = 1U << 20U;
constexpr std::size_t kProcessOutputMax = std::size_t{64} * 1024;
constexpr std::chrono::seconds kProcessTimeout{120};

std::string read_text(const std::filesystem::path& file) {
    const std::optional<Bytes> bytes = read_file(file, kProfileBytesMax);
    return bytes ? std::string(as_text(*bytes)) : std::string();
}

}  // namespace

class AwsCredentialChain::Search {
public:
    Search(ReadVariable variable, HttpClient& http) : variable_(std::move(variable)), http_(http) {}

    [[nodiscard]] std::optional<std::string> region() const {
        for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
            if (auto value = variable_(name)) {
                return value;
            }
        }
        const AwsProfile profile = this->profile();
        const auto found = profile.find("region");
        return found == profile.end() ? std::nullopt : std::optional(found->second);
    }

    AwsCredentials find(const std::stop_token& stop) const {
        if (auto keys = of_environment()) {
            return {std::move(keys), {}};
        }
        const AwsProfile profile = this->profile();
        if (auto found = of_web_identity(profile, stop)) {
            return std::move(*found);
        }
        if (const auto id = profile.find("aws_access_key_id"),
            secret = profile.find("aws_secret_access_key");
            id != profile.end() && secret != profile.end()) {
            const auto token = profile.find("aws_session_token");
            return {std::make_shared<const AwsKeys>(AwsKeys{
                        id->second, Secret(secret->second),
                        Secret(token == profile.end() ? std::string_view() : token->second)}),
                    {}};
        }
        if (const auto command = profile.find("credential_process"); command != profile.end()) {
            return of_process(command->second, stop);
        }
        if (auto found = container_credentials(http_, variable_, stop)) {
            return std::move(*found);
        }
        if (auto found = machine_credentials(http_, variable_, stop)) {
            return std::move(*found);
        }
        throw explained<ConfigError>(
            fmt::format("there are no AWS keys: neither in AWS_ACCESS_KEY_ID and "
                        "AWS_SECRET_ACCESS_KEY, nor in the profile '{}', nor from the container's "
                        "or the machine's metadata service",
                        profile_name()),
            "Set those variables, or AWS_PROFILE for a profile of ~/.aws/credentials.",
            "credentials_missing");
    }

private:
    [[nodiscard]] std::shared_ptr<const AwsKeys> of_environment() const {
        auto id = variable_("AWS_ACCESS_KEY_ID");
        const auto secret = variable_("AWS_SECRET_ACCESS_KEY");
        if (!id || !secret) {
            return nullptr;
        }
        return std::make_shared<const AwsKeys>(
            AwsKeys{std::move(*id), Secret(std::string_view(*secret)),
                    Secret(std::string_view(variable_("AWS_SESSION_TOKEN").value_or("")))});
    }

    std::optional<AwsCredentials> of_web_identity(const AwsProfile& profile,
                                                  const std::stop_token& stop) const {
        const auto setting = [&](const char* variable, const char* name) {
            const auto found = profile.find(name);
            return variable_(variable).value_or(found == profile.end() ? "" : found->second);
        };
        WebIdentity identity;
        identity.token_file = setting("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
        identity.role_arn = setting("AWS_ROLE_ARN", "role_arn");
        identity.session_name = setting("AWS_ROLE_SESSION_NAME", "role_session_name");
        if (identity.token_file.empty() || identity.role_arn.empty()) {
            return std::nullopt;
        }
        if (identity.session_name.empty()) {
            identity.session_name = "db-backup";
        }
        identity.region = region().value_or("us-east-1");
        return web_identity_credentials(http_, variable_, identity, stop);
    }

    static ProcessResult ended(const std::string& command, const std::stop_token& stop) {
        try {
            return run_shell(command, kProcessTimeout, kProcessOutputMax, stop);
        } catch (const Error& error) {
            StorageError useless(fmt::format("credential_process gives no keys: {}", error.what()));
            useless.set_hint("Run it by hand: it has to print one JSON document, and to end.");
            throw useless;
        }
    }

    static AwsCredentials of_process(const std::string& command, const std::stop_token& stop) {
        const ProcessResult result = ended(command, stop);
        if (result.exit_status != 0) {
            throw StorageError(fmt::format("credential_process ended with {}: {}",
                                           result.exit_status, result.errors));
        }
        return parse_credentials(as_text(result.output), "credential_process");
    }

    [[nodiscard]] std::string profile_name() const {
        return variable_("AWS_PROFILE").value_or("default");
    }

    /// Of both files; what the credentials file says wins.
    [[nodiscard]] AwsProfile profile() const {
        const std::string home = variable_("HOME").value_or("");
        const std::string name = profile_name();
        const auto file = [&](const char* variable, const char* usual) {
            return std::filesystem::path(variable_(variable).value_or(home + usual));
        };
        AwsProfile profile = read_aws_profile(
            read_text(file("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials")), name);
        profile.merge(read_aws_profile(read_text(file("AWS_CONFIG_FILE", "/.aws/config")), name));
        return profile;
    }

    ReadVariable variable_;
    HttpClient& http_;
};

AwsCredentialChain::AwsCredentialChain(ReadVariable variable, const Clock& clock, HttpClient& http)
    : search_(std::make_unique<Search>(std::move(variable), http)),
      keys_(clock, [this](const std::stop_token& stop) { return search_->find(stop); }) {}

AwsCredentialChain::~AwsCredentialChain() = default;

std::shared_ptr<const AwsKeys> AwsCredentialChain::keys(std::stop_token stop) {
    return keys_.get(stop);
}

void AwsCredentialChain::forget(const std::shared_ptr<const AwsKeys>& refused) {
    keys_.forget(refused);
}

std::optional<std::string> AwsCredentialChain::region() const { return search_->region(); }

}  // namespace dbbackup
