#pragma once

/// @file
/// JSON web tokens, signed as Google's token service wants them.
///
/// Source: RFC 7515 (JSON Web Signature), RFC 7518, section 3.3 (RS256).

#include "base/bytes.hpp"
#include "base/secret.hpp"

#include <string>
#include <string_view>

namespace dbbackup {

/// RFC 4648, section 5, without padding.
[[nodiscard]] std::string base64url(BytesView content);

/// "header.claims.signature", signed by RSA with SHA-256.
/// @param header, claims JSON texts. @param private_key A PEM text.
/// @throws ConfigError (code "credentials_unusable") for what is no private key of RSA; nothing of
/// it is in the message.
[[nodiscard]] std::string signed_jwt(std::string_view header, std::string_view claims,
                                     const Secret& private_key);

}  // namespace dbbackup
