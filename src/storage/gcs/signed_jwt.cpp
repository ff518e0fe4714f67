#include "storage/gcs/signed_jwt.hpp"

#include "base/error.hpp"
#include "crypto/base64.hpp"
#include "crypto/openssl_handle.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>

namespace dbbackup {
namespace {

using PrivateKey = OpensslHandle<EVP_PKEY, EVP_PKEY_free>;

/// Keys in files are not locked; without this OpenSSL would ask the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*is_writing*/, void* /*context*/) {
    return -1;
}

PrivateKey read_private_key(const Secret& pem) {
    const OpensslHandle<BIO, BIO_free_all> text(
        BIO_new_mem_buf(pem.bytes().data(), static_cast<int>(pem.bytes().size())));
    PrivateKey key(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr)
                        : nullptr);
    ERR_clear_error();
    if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
        throw explained<ConfigError>("the private key of the service account is no RSA key in PEM",
                                     "Download the key file again.", "credentials_unusable");
    }
    return key;
}

}  // namespace

std::string base64url(BytesView content) {
    std::string text = to_base64(content);
    text.resize(std::min(text.find('='), text.size()));
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    return text;
}

std::string signed_jwt(std::string_view header, std::string_view claims,
                       const Secret& private_key) {
    const PrivateKey key = read_private_key(private_key);
    std::string text =
        fmt::format("{}.{}", base64url(as_bytes(header)), base64url(as_bytes(claims)));
    const OpensslHandle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    const BytesView content = as_bytes(text);
    Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
    std::size_t length = signature.size();
    if (!context ||
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), signature.data(), &length, content.data(), content.size()) !=
            1) {
        ERR_clear_error();
        throw Error("cannot sign with the private key of the service account");
    }
    signature.resize(length);
    return fmt::format("{}.{}", text, base64url(signature));
}

}  // namespace dbbackup
