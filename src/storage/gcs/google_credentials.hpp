#pragma once

/// @file
/// The credentials of a Google user or service account, from where users have them already.
///
/// Source: Google Cloud, "How Application Default Credentials works".

#include "base/clock.hpp"
#include "http/http_client.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/cloud/renewing.hpp"
#include "storage/gcs/google_token.hpp"

#include <memory>
#include <stop_token>

namespace dbbackup {

/// Asked in this order, the first that is there counts: the file that
/// GOOGLE_APPLICATION_CREDENTIALS names, the one that gcloud keeps, the machine's metadata server.
/// Thread-safe.
class GoogleCredentialChain {
public:
    /// @param http Of the token service. @param metadata_http Of the metadata server.
    /// @param clock Tells when tokens end. All are borrowed.
    GoogleCredentialChain(ReadVariable variable, const Clock& clock, HttpClient& http,
                          HttpClient& metadata_http, GoogleScope scope = GoogleScope::objects);
    ~GoogleCredentialChain();
    GoogleCredentialChain(const GoogleCredentialChain&) = delete;
    GoogleCredentialChain& operator=(const GoogleCredentialChain&) = delete;

    /// The one that was given before, unless it ends within five minutes: then a new one.
    /// @throws ConfigError (code "credentials_missing") naming all places that were looked at, or
    /// (code "credentials_unusable") for a file that is not there, cannot be read or is of another
    /// kind; StorageError when a place that is configured refuses.
    [[nodiscard]] std::shared_ptr<const GoogleToken> token(const std::stop_token& stop);
    /// The store refuses this one: the next call asks again.
    void forget(const std::shared_ptr<const GoogleToken>& refused);

private:
    class Search;
    std::unique_ptr<Search> search_;
    Renewing<GoogleToken> tokens_;
};

}  // namespace dbbackup
