#pragma once

/// @file
/// From a repository URL to a storage: the list of schemes that this build knows.

#include "config/enums.hpp"
#include "config/object_lock.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// Whether opening may make the place (a folder, not a bucket) when it is missing.
enum class CreatePlace : bool { no, yes };

/// "file", "s3", "gs", "az": what stands before "://" in URLs of this kind of store.
[[nodiscard]] std::string_view scheme_of(StorageType type) noexcept;

/// A parsed repository URL: "s3://bucket/prefix?region=x"; a bare path has the scheme "file".
struct StorageUrl {
    std::string scheme;
    std::string path;  ///< What follows "scheme://", without the query; percent-decoded.
    std::map<std::string, std::string> query;

    /// @throws ConfigError when `text` has no valid form; the message says what is wrong.
    static StorageUrl parse(std::string_view text);

    /// The kind of store; nothing for a scheme that is none of ours.
    [[nodiscard]] std::optional<StorageType> type() const noexcept;
};

/// What the configuration says of one store beside its URL.
struct StorageLimits {
    std::optional<std::uint64_t> bytes_per_s = {};  ///< Each way by itself.
    /// How what lasts is locked, unless the URL itself says it.
    std::optional<ObjectLock> object_lock = {};
    /// Of object stores: the authorities to trust, unless the URL itself says it.
    std::optional<std::filesystem::path> ca_file = {};
};

/// Scheme to factory. Built once in cli/plugins.cpp (and in tests); not changed afterwards.
class StorageRegistry {
public:
    /// Opens one place. Returns nothing when the place does not exist and `create` is `no`.
    using Factory =
        std::function<std::unique_ptr<Storage>(const StorageUrl& url, CreatePlace create)>;

    /// Puts decorators around a store that was opened.
    using Decorator = std::function<std::unique_ptr<Storage>(std::unique_ptr<Storage> storage,
                                                             const StorageLimits& limits)>;

    void add(std::string scheme, Factory factory);
    /// For every store that is opened from now on.
    void decorate(Decorator decorator);

    /// @throws ConfigError for a scheme that no factory knows, naming those that exist: code
    /// "not_built_in" for a kind of store that this build lacks, else "unknown_scheme"; code
    /// "object_lock_unsupported" for one that has no locks where such are asked for.
    [[nodiscard]] std::unique_ptr<Storage> open(std::string_view url, CreatePlace create,
                                                const StorageLimits& limits = {}) const;

    /// Whether `open` could try, without looking at the place. @throws as `open`, and as
    /// `StorageUrl::parse`.
    void check(std::string_view url) const;

    [[nodiscard]] std::vector<std::string> schemes() const;

private:
    [[nodiscard]] const Factory& factory_of(const StorageUrl& parsed) const;

    std::map<std::string, Factory> factories_;
    Decorator decorator_;
};

}  // namespace dbbackup
