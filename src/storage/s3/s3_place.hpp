#pragma once

/// @file
/// Where a bucket is, from a repository URL and what the user's environment says.

#include "config/object_lock.hpp"
#include "storage/registry.hpp"

#include <optional>
#include <string>

namespace dbbackup {

/// `s3://bucket/prefix?endpoint=…&region=…&path_style=true&ca_file=…`, and how objects are kept
/// there, understood.
struct S3Place {
    std::string bucket;
    std::string prefix;  ///< Of keys; empty or ending in '/'.
    std::string region;
    std::string scheme;  ///< "https", or "http" where the endpoint says so.
    std::string host;    ///< As requests name it: with the bucket unless in path style.
    std::string root;    ///< What paths begin with: "/bucket" in path style, else empty.
    std::string ca_file;
    std::optional<ObjectLock> lock;
    std::string encryption;     ///< By the server: "AES256", "aws:kms"; empty: as the bucket says.
    std::string kms_key;        ///< Which one; empty: the bucket's or account's.
    std::string storage_class;  ///< Of packs; empty: the usual one.
    std::string url;            ///< As a person would type it.
};

/// @param region Where neither URL nor endpoint say one.
/// @throws ConfigError (code "bad_repository_url") for a parameter that is unknown or wrong, and
/// for a bucket that S3 could not have.
[[nodiscard]] S3Place s3_place(const StorageUrl& url, const std::string& region);

}  // namespace dbbackup
