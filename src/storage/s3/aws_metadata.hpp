#pragma once

/// @file
/// Services that give AWS keys over HTTP: of the container, of the machine, and for web identities.

#include "http/http_client.hpp"
#include "storage/s3/aws_credentials.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace dbbackup {

/// Keys as metadata services and `credential_process` print them, in JSON.
/// @param what Of messages. @throws StorageError when it is not that; nothing of it is repeated.
[[nodiscard]] AwsCredentials parse_credentials(std::string_view json, std::string_view what);

/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider" (Amazon ECS, EKS Pod
/// Identity). Nothing where the environment names no such service.
[[nodiscard]] std::optional<AwsCredentials> container_credentials(HttpClient& http,
                                                                  const ReadVariable& variable,
                                                                  std::stop_token stop);

/// Source: Amazon EC2 User Guide, "Use the Instance Metadata Service" (version 2 only). Nothing
/// where nobody answers, or the machine has no role.
[[nodiscard]] std::optional<AwsCredentials> machine_credentials(HttpClient& http,
                                                                const ReadVariable& variable,
                                                                std::stop_token stop);

/// Who a web identity is for.
struct WebIdentity {
    std::string token_file;
    std::string role_arn;
    std::string session_name;
    std::string region;
};

/// Source: AWS Security Token Service API reference, "AssumeRoleWithWebIdentity".
[[nodiscard]] AwsCredentials web_identity_credentials(HttpClient& http,
                                                      const ReadVariable& variable,
                                                      const WebIdentity& identity,
                                                      std::stop_token stop);

}  // namespace dbbackup
