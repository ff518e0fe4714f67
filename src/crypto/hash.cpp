#include "crypto/hash.hpp"

#include "base/error.hpp"
#include "crypto/openssl_handle.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/random.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

namespace dbbackup {
namespace {

using MacContext = OpensslHandle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

/// None of these calls fails on any input of ours: what is left is memory and a broken OpenSSL.
[[noreturn]] void fail(std::string_view doing) {
    const char* reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    throw Error(fmt::format("cannot {}: {}", doing, reason == nullptr ? "OpenSSL error" : reason));
}

void require(bool done, std::string_view doing) {
    if (!done) {
        fail(doing);
    }
}

/// Fetched once: looking an algorithm up by name costs more than hashing a row.
const EVP_MD* sha256_algorithm() {
    static const OpensslHandle<EVP_MD, EVP_MD_free> algorithm(
        EVP_MD_fetch(nullptr, "SHA256", nullptr));
    require(algorithm != nullptr, "find SHA-256");
    return algorithm.get();
}

EVP_MD_CTX* as_digest(void* context) { return static_cast<EVP_MD_CTX*>(context); }
EVP_MAC_CTX* as_mac(void* context) { return static_cast<EVP_MAC_CTX*>(context); }

/// OpenSSL's parameter arrays take pointers to mutable, but only read them.
char* mutable_text(const char* text) {
    return const_cast<char*>(text);
}  // NOLINT(cppcoreguidelines-pro-type-const-cast)
void* mutable_bytes(BytesView bytes) {
    return const_cast<std::uint8_t*>(
        bytes.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

}  // namespace

Digest sha256(BytesView content) {
    Digest digest{};
    require(EVP_Digest(content.data(), content.size(), digest.data(), nullptr, sha256_algorithm(),
                       nullptr) == 1,
            "compute SHA-256");
    return digest;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    const bool ready = context_ != nullptr &&
                       EVP_DigestInit_ex2(as_digest(context_), sha256_algorithm(), nullptr) == 1;
    if (!ready) {
        EVP_MD_CTX_free(as_digest(context_));
        fail("start SHA-256");
    }
}

Sha256::~Sha256() { EVP_MD_CTX_free(as_digest(context_)); }

void Sha256::update(BytesView part) {
    require(EVP_DigestUpdate(as_digest(context_), part.data(), part.size()) == 1,
            "compute SHA-256");
}

Digest Sha256::finish() {
    Digest digest{};
    require(EVP_DigestFinal_ex(as_digest(context_), digest.data(), nullptr) == 1, "finish SHA-256");
    return digest;
}

KeyedHash::KeyedHash(BytesView key) {
    if (key.empty()) {
        throw Error("the key of a keyed hash is empty");
    }
    const OpensslHandle<EVP_MAC, EVP_MAC_free> algorithm(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    require(algorithm != nullptr, "find HMAC");
    MacContext context(EVP_MAC_CTX_new(algorithm.get()));
    require(context != nullptr, "start HMAC-SHA-256");
    const std::array<OSSL_PARAM, 2> params = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, mutable_text("SHA256"), 0),
        OSSL_PARAM_construct_end()};
    require(EVP_MAC_init(context.get(), key.data(), key.size(), params.data()) == 1,
            "start HMAC-SHA-256");
    context_ = context.release();
}

KeyedHash::~KeyedHash() { EVP_MAC_CTX_free(as_mac(context_)); }

Digest KeyedHash::operator()(BytesView content) const {
    // Copying the keyed state spares the two blocks that hash the key, and every lock.
    const MacContext context(EVP_MAC_CTX_dup(as_mac(context_)));
    require(context != nullptr, "copy the HMAC-SHA-256 state");
    Digest digest{};
    std::size_t written = 0;
    require(EVP_MAC_update(context.get(), content.data(), content.size()) == 1 &&
                EVP_MAC_final(context.get(), digest.data(), &written, digest.size()) == 1 &&
                written == digest.size(),
            "compute HMAC-SHA-256");
    return digest;
}

Secret derive_key(BytesView master, BytesView salt, std::string_view label) {
    const OpensslHandle<EVP_KDF, EVP_KDF_free> algorithm(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    require(algorithm != nullptr, "find HKDF");
    const OpensslHandle<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(algorithm.get()));
    require(context != nullptr, "start HKDF-SHA-256");

    // An absent salt and a salt of zeros are the same by RFC 5869 section 2.2, but OpenSSL
    // takes no empty parameter.
    std::array<OSSL_PARAM, 5> params{};
    std::size_t count = 0;
    params[count++] =
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, mutable_text("SHA256"), 0);
    params[count++] =
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, mutable_bytes(master), master.size());
    if (!salt.empty()) {
        params[count++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                                            mutable_bytes(salt), salt.size());
    }
    if (!label.empty()) {
        params[count++] = OSSL_PARAM_construct_octet_string(
            OSSL_KDF_PARAM_INFO, mutable_bytes(as_bytes(label)), label.size());
    }
    params[count] = OSSL_PARAM_construct_end();

    Bytes key(32);
    require(EVP_KDF_derive(context.get(), key.data(), key.size(), params.data()) == 1,
            "derive a key");
    return Secret(std::move(key));
}

void fill_random(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno != EINTR) {
            throw Error("cannot get random bytes: " + std::system_category().message(errno));
        }
        if (got > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(got));
        }
    }
}

Bytes random_bytes(std::size_t count) {
    Bytes bytes(count);
    fill_random(bytes);
    return bytes;
}

bool equal_secrets(BytesView left, BytesView right) noexcept {
    return left.size() == right.size() &&
           (left.empty() || CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0);
}

}  // namespace dbbackup
