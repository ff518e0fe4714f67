#pragma once

/// @file
/// Objects of OpenSSL that are freed when they go.

#include <memory>

namespace dbbackup {

/// Calls `release`, such as EVP_MD_free.
template <auto release>
struct ReleaseOpenssl {
    template <class T>
    void operator()(T* object) const noexcept {
        release(object);
    }
};

template <class T, auto release>
using OpensslHandle = std::unique_ptr<T, ReleaseOpenssl<release>>;

}  // namespace dbbackup
