#include "crypto/md5.hpp"

#include "base/error.hpp"

#include <openssl/evp.h>

namespace dbbackup {

Md5Digest md5(BytesView content) {
    // Where only approved algorithms are allowed, this one still is for what is no security.
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", "-fips");
    Md5Digest digest{};
    if (algorithm == nullptr || EVP_Digest(content.data(), content.size(), digest.data(), nullptr,
                                           algorithm, nullptr) != 1) {
        throw Error("cannot compute MD5: OpenSSL error");
    }
    return digest;
}

}  // namespace dbbackup
