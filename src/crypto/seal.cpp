#include "crypto/seal.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/hash.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

namespace dbbackup {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;  // Source: NIST SP 800-38D section 5.2.1.1.
constexpr std::size_t kTagBytes = seal_overhead_bytes(Cipher::aes_256_gcm);
constexpr std::size_t kDigestBytes = seal_overhead_bytes(Cipher::none);
/// OpenSSL counts in `int`.
constexpr std::size_t kPieceBytesMax = std::size_t{1} << 30U;

struct ReleaseContext {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
struct ReleaseCipher {
    void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
};

enum class Direction : int { unseal = 0, seal = 1 };

/// Nothing but a lack of memory or a broken OpenSSL gets here; damage is told by the tag alone.
void require(bool done) {
    if (!done) {
        ERR_clear_error();
        throw Error("cannot run AES-256-GCM: OpenSSL refused");
    }
}

/// One thread's context, keyed for one message. It is reused because making one costs more than
/// encrypting a small chunk; it never leaves this file with a key in use by another call.
EVP_CIPHER_CTX* start(Direction direction, BytesView key, std::uint64_t nonce,
                      BytesView additional) {
    static const std::unique_ptr<EVP_CIPHER, ReleaseCipher> cipher(
        EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
    thread_local const std::unique_ptr<EVP_CIPHER_CTX, ReleaseContext> context(
        EVP_CIPHER_CTX_new());
    require(cipher != nullptr && context != nullptr);
    if (key.size() != kKeyBytes) {
        throw Error("the key of AES-256-GCM is not 32 bytes long");
    }

    std::array<std::uint8_t, kNonceBytes> nonce_bytes{};
    for (std::size_t at = 0; at < sizeof nonce; ++at) {
        nonce_bytes[kNonceBytes - 1 - at] = static_cast<std::uint8_t>(nonce >> (8 * at));
    }
    require(EVP_CipherInit_ex2(context.get(), cipher.get(), key.data(), nonce_bytes.data(),
                               static_cast<int>(direction), nullptr) == 1);
    while (!additional.empty()) {
        const std::size_t piece = std::min(additional.size(), kPieceBytesMax);
        int written = 0;
        require(EVP_CipherUpdate(context.get(), nullptr, &written, additional.data(),
                                 static_cast<int>(piece)) == 1);
        additional = additional.subspan(piece);
    }
    return context.get();
}

void run(EVP_CIPHER_CTX* context, BytesView in, std::uint8_t* out) {
    while (!in.empty()) {
        const std::size_t piece = std::min(in.size(), kPieceBytesMax);
        int written = 0;
        require(EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(piece)) == 1);
        out += written;
        in = in.subspan(piece);
    }
}

Digest digest_of(BytesView additional, BytesView plain) {
    Sha256 hash;
    hash.update(additional);
    hash.update(plain);
    return hash.finish();
}

[[noreturn]] void refuse_sealed() {
    throw CorruptionError("sealed bytes were changed, or are not from this place");
}

}  // namespace

void seal(Cipher cipher, BytesView key, std::uint64_t nonce, BytesView additional, BytesView plain,
          Bytes& out) {
    if (cipher == Cipher::none) {
        const Digest digest = digest_of(additional, plain);
        out.reserve(out.size() + plain.size() + kDigestBytes);
        out.insert(out.end(), plain.begin(), plain.end());
        out.insert(out.end(), digest.begin(), digest.end());
        return;
    }
    EVP_CIPHER_CTX* context = start(Direction::seal, key, nonce, additional);
    const std::size_t begin = out.size();
    out.resize(begin + plain.size() + kTagBytes);
    std::uint8_t* tag = out.data() + begin + plain.size();
    run(context, plain, out.data() + begin);
    int written = 0;
    require(EVP_CipherFinal_ex(context, tag, &written) == 1 && written == 0);
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, int{kTagBytes}, tag) == 1);
}

Bytes unseal(Cipher cipher, BytesView key, std::uint64_t nonce, BytesView additional,
             Bytes sealed) {
    if (sealed.size() < seal_overhead_bytes(cipher)) {
        refuse_sealed();
    }
    const std::size_t plain_bytes = sealed.size() - seal_overhead_bytes(cipher);
    const BytesView body = BytesView(sealed).first(plain_bytes);
    const BytesView proof = BytesView(sealed).subspan(plain_bytes);
    if (cipher == Cipher::none) {
        if (!equal_secrets(digest_of(additional, body), proof)) {
            refuse_sealed();
        }
        sealed.resize(plain_bytes);
        return sealed;
    }

    EVP_CIPHER_CTX* context = start(Direction::unseal, key, nonce, additional);
    std::array<std::uint8_t, kTagBytes> tag{};
    std::copy(proof.begin(), proof.end(), tag.begin());
    run(context, body, sealed.data());  // In place: EVP_EncryptInit(3) allows equal buffers.
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, int{kTagBytes}, tag.data()) == 1);
    int written = 0;
    std::uint8_t none = 0;
    if (EVP_CipherFinal_ex(context, &none, &written) != 1) {
        ERR_clear_error();
        wipe(sealed);
        refuse_sealed();
    }
    sealed.resize(plain_bytes);
    return sealed;
}

}  // namespace dbbackup
