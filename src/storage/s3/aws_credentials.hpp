#pragma once

/// @file
/// The keys of an AWS user, from where users have them already.
///
/// Source: AWS SDKs and Tools Reference Guide, "Settings reference" and "Standardized credential
/// providers".

#include "base/clock.hpp"
#include "http/http_client.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/cloud/renewing.hpp"
#include "storage/s3/sigv4.hpp"

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

using AwsCredentials = Expiring<AwsKeys>;

/// Asked in this order, the first that has keys wins: the environment, the profile's web identity,
/// its `credential_process` and its keys in the shared files, the container's and the machine's
/// metadata service. Thread-safe.
class AwsCredentialChain {
public:
    /// @param http Of metadata services and of STS. @param clock Tells when keys expire.
    AwsCredentialChain(ReadVariable variable, const Clock& clock, HttpClient& http);
    ~AwsCredentialChain();
    AwsCredentialChain(const AwsCredentialChain&) = delete;
    AwsCredentialChain& operator=(const AwsCredentialChain&) = delete;

    /// Those that were found before, unless they end within five minutes: then new ones.
    /// @throws ConfigError (code "credentials_missing") naming all places that were looked at;
    /// StorageError when a place that is configured refuses.
    [[nodiscard]] std::shared_ptr<const AwsKeys> keys(std::stop_token stop);
    /// The store says that these have expired: the next call asks again.
    void forget(const std::shared_ptr<const AwsKeys>& refused);

    /// The region that environment or profile say; nothing where neither does.
    [[nodiscard]] std::optional<std::string> region() const;

private:
    class Search;
    std::unique_ptr<Search> search_;
    Renewing<AwsKeys> keys_;
};

}  // namespace dbbackup
