#pragma once

/// @file
/// A key of a service account, made for one run of the tests.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>

namespace dbbackup {

/// Lives as long as the program.
inline EVP_PKEY* test_key() {
    static EVP_PKEY* const key = EVP_RSA_gen(2048);
    return key;
}

/// As key files hold it.
inline std::string test_key_pem() {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(out, test_key(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long length = BIO_get_mem_data(out, &text);
    std::string pem(text, static_cast<std::size_t>(length));
    BIO_free(out);
    return pem;
}

/// Whether this key signed the first two parts of a token. @param signature As it is, not encoded.
inline bool is_signed_by_test_key(const std::string& parts, const std::string& signature) {
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    const auto bytes = [](const std::string& text) {
        return reinterpret_cast<const unsigned char*>(text.data());
    };
    const bool is_right =
        EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, test_key()) == 1 &&
        EVP_DigestVerify(context, bytes(signature), signature.size(), bytes(parts), parts.size()) ==
            1;
    EVP_MD_CTX_free(context);
    return is_right;
}

/// Of base64url without padding; what is no letter of it ends the text.
inline std::string decoded_base64url(const std::string& text) {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string result;
    unsigned bits = 0;
    unsigned held = 0;
    for (const char letter : text) {
        const std::size_t value = kLetters.find(letter);
        if (value == kLetters.npos) {
            break;
        }
        held = (held << 6U | static_cast<unsigned>(value)) & 0xffffU;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            result += static_cast<char>(held >> bits & 0xffU);
        }
    }
    return result;
}

}  // namespace dbbackup
