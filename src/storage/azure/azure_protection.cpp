#include "storage/azure/azure_protection.hpp"

#include "base/error.hpp"
#include "storage/azure/azure_error.hpp"
#include "storage/cloud/http_date.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/locked_objects.hpp"
#include "storage/operation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace dbbackup {

using std::chrono::sys_seconds;

/// A blob that is not there, and how to bring it back: the oldest of its versions is the one that
/// we stored, whatever somebody may have put over it.
struct AzureProtection::Removed {
    ListedBlob blob;
    bool is_there = false;
};

namespace {

constexpr int kAccepted = 202;
constexpr const char* kUntil = "x-ms-immutability-policy-until-date";
constexpr const char* kMode = "x-ms-immutability-policy-mode";
constexpr const char* kVersion = "x-ms-version-id";
constexpr std::string_view kMetadata = "x-ms-meta-";
constexpr const char* kRead = "r (read)";
constexpr const char* kList = "l (list)";
constexpr const char* kWrite = "w (write)";
constexpr const char* kLock = "i (set immutability policy)";

std::string_view word_of_mode(LockMode mode) {
    return mode == LockMode::compliance ? "Locked" : "Unlocked";
}

bool is_locked_for_good(const BlobAnswer& properties) {
    std::string mode = properties.header(kMode).value_or("");
    std::ranges::transform(mode, mode.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return mode == "locked";
}

std::optional<sys_seconds> policy_end(const BlobAnswer& properties) {
    return parse_http_date(properties.header(kUntil).value_or(""));
}

}  // namespace

AzureProtection::AzureProtection(const AzurePlace& place, AzureContainer container,
                                 const Clock& clock)
    : place_(place), container_(std::move(container)), clock_(clock) {}

std::optional<BlobAnswer> AzureProtection::look(const ObjectName& name, const std::string& version,
                                                const std::stop_token& stop) const {
    AzureCall call{"HEAD", name.text()};
    if (!version.empty()) {
        call.query = {{"versionid", version}};
    }
    BlobAnswer response = container_.send(call, stop);
    if (is_azure_absence(response)) {
        return std::nullopt;
    }
    if (response.status != http_status::ok) {
        throw container_.refused(response, fmt::format("look at {}", name.text()), kRead);
    }
    return response;
}

void AzureProtection::remove(const ObjectName& name, const std::stop_token& stop) {
    const std::optional<BlobAnswer> properties = look(name, "", stop);
    if (properties && !properties->header(kVersion)) {
        remove_unversioned(name, *properties, stop);
    } else {
        // A removal that was interrupted, or another's, may have left versions.
        remove_versions(name, stop);
    }
}

void AzureProtection::remove_unversioned(const ObjectName& name, const BlobAnswer& properties,
                                         const std::stop_token& stop) {
    const bool is_marked = marks_ == Marks::needed && mark(name, properties, stop);
    const std::optional<BlobAnswer> removed = remove_one(name, "", stop);
    if (!removed || is_marked || marks_ == Marks::refused ||
        removed->header("x-ms-delete-type-permanent") != "false") {
        return;
    }
    // Deleted blobs are kept, which nothing tells before: the first one gets its mark now.
    marks_ = Marks::needed;
    if (undelete(name, stop)) {
        mark(name, properties, stop);
        static_cast<void>(remove_one(name, "", stop));
    }
}

void AzureProtection::remove_versions(const ObjectName& name, const std::stop_token& stop) const {
    const std::string key = place_.prefix + name.text();
    std::vector<ListedBlob> versions;
    list_blobs(
        key, "versions",
        [&](const ListedBlob& each) {
            if (each.name == key) {
                versions.push_back(each);
            }
        },
        stop);
    // What is there goes last: as long as an older one is locked, nothing has changed.
    std::ranges::stable_partition(versions,
                                  [](const ListedBlob& each) { return !each.is_current; });
    for (const ListedBlob& each : versions) {
        if (each.is_current) {
            // It becomes a previous version, which alone can be deleted by its name.
            static_cast<void>(remove_one(name, "", stop));
        }
        if (!each.version.empty()) {
            static_cast<void>(remove_one(name, each.version, stop));
        }
    }
}

/// @return Nothing when it was not there.
std::optional<BlobAnswer> AzureProtection::remove_one(const ObjectName& name,
                                                      const std::string& version,
                                                      const std::stop_token& stop) const {
    AzureCall call{"DELETE", name.text()};
    if (!version.empty()) {
        call.query = {{"versionid", version}};
    }
    BlobAnswer response = container_.send(call, stop);
    if (response.status == kAccepted) {
        return response;
    }
    if (is_azure_absence(response)) {
        return std::nullopt;
    }
    if (is_about_azure_lock(read_azure_refusal(response))) {
        const std::optional<BlobAnswer> properties = look(name, version, stop);
        const std::optional<sys_seconds> end = properties ? policy_end(*properties) : std::nullopt;
        throw object_locked_error(name, end && *end > clock_.now() ? end : std::nullopt);
    }
    throw container_.refused(response, fmt::format("remove {}", name.text()),
                             version.empty() ? "d (delete)" : "x (delete version)");
}

bool AzureProtection::mark(const ObjectName& name, const BlobAnswer& properties,
                           const std::stop_token& stop) {
    AzureCall call{"PUT", name.text(), {{"comp", "metadata"}}};
    for (const auto& [header, value] : properties.headers) {
        if (header.starts_with(kMetadata)) {
            call.headers.emplace_back(header, value);
        }
    }
    call.headers.emplace_back(fmt::format("{}{}", kMetadata, kAzureRemovedMark), "yes");
    const BlobAnswer response = container_.send(call, stop);
    if (is_passing(response.status)) {
        throw container_.refused(response, fmt::format("mark {}", name.text()), kWrite);
    }
    if (response.status == http_status::forbidden) {
        // Without the permission it goes unmarked: `undelete` brings it back, and `prune` removes
        // it again.
        marks_ = Marks::refused;
    }
    return response.status == http_status::ok;
}

bool AzureProtection::undelete(const ObjectName& name, const std::stop_token& stop) {
    AzureCall call{"PUT", name.text(), {{"comp", "undelete"}}};
    const BlobAnswer response = container_.send(call, stop);
    if (is_passing(response.status)) {
        throw container_.refused(response, fmt::format("bring back {}", name.text()), kWrite);
    }
    if (response.status == http_status::forbidden) {
        marks_ = Marks::refused;
    }
    return response.status == http_status::ok;
}

HttpHeaders AzureProtection::lock_headers() const {
    if (!place_.lock) {
        return {};
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
    return {{kUntil, http_date(now + place_.lock->days)},
            {kMode, std::string(word_of_mode(place_.lock->mode))}};
}

void AzureProtection::check_lock(const ObjectName& name, const std::stop_token& stop) {
    if (is_lock_seen_) {
        return;
    }
    const std::optional<BlobAnswer> properties = look(name, "", stop);
    if (properties && !policy_end(*properties)) {
        remove(name, stop);
        throw lock_missing(fmt::format("store {}", name.text()));
    }
    is_lock_seen_ = true;
}

StorageError AzureProtection::why_not_locked(const BlobAnswer& response, const std::string& doing,
                                             const std::string& permission,
                                             const std::stop_token& stop) const {
    constexpr int kNotImplemented = 501;
    const bool may_be_lock = response.status == http_status::bad_request ||
                             response.status == http_status::conflict ||
                             response.status == kNotImplemented;
    return may_be_lock && !has_locks(stop) ? lock_missing(doing)
                                           : container_.refused(response, doing, permission);
}

/// Whoever may not ask gets no lock for a reason, so this is the likeliest one.
bool AzureProtection::has_locks(const std::stop_token& stop) const {
    AzureCall call{"HEAD", "", {{"restype", "container"}}};
    const BlobAnswer response = container_.send(call, stop);
    return response.header("x-ms-immutable-storage-with-versioning-enabled") == "true";
}

StorageError AzureProtection::lock_missing(const std::string& doing) const {
    return explained<StorageError>(
        fmt::format("cannot {} in {}: the container locks no blobs", doing, place_.url),
        fmt::format("Switch version-level immutability on for the container '{}' (az storage "
                    "container-rm create --enable-vlw; it needs blob versioning), or leave "
                    "object_lock out.",
                    place_.container),
        "object_lock_missing");
}

std::optional<sys_seconds> AzureProtection::locked_until(const ObjectName& name,
                                                         std::stop_token stop) {
    const std::optional<BlobAnswer> properties = look(name, "", stop);
    const std::optional<sys_seconds> end = properties ? policy_end(*properties) : std::nullopt;
    return end && *end > clock_.now() ? end : std::nullopt;
}

void AzureProtection::lock_until(const ObjectName& name, sys_seconds until, std::stop_token stop) {
    const std::optional<BlobAnswer> properties = look(name, "", stop);
    if (!properties) {
        return;
    }
    const bool is_for_good = is_locked_for_good(*properties);
    const LockMode mode = is_for_good || !place_.lock ? LockMode::governance : place_.lock->mode;
    // A policy that is not locked may be shortened: what it says is asked first.
    const std::optional<sys_seconds> end = policy_end(*properties);
    if (end && *end >= until && (is_for_good || mode == LockMode::governance)) {
        return;
    }
    AzureCall call{"PUT", name.text(), {{"comp", "immutabilityPolicies"}}};
    call.headers = {{kUntil, http_date(std::max(until, end.value_or(until)))},
                    {kMode, std::string(word_of_mode(is_for_good ? LockMode::compliance : mode))}};
    const BlobAnswer response = container_.send(call, stop);
    if (response.status != http_status::ok && !is_azure_absence(response)) {
        throw why_not_locked(response, fmt::format("lock {}", name.text()), kLock, stop);
    }
}

void AzureProtection::list_blobs(const std::string& prefix, const std::string& include,
                                 const std::function<void(const ListedBlob&)>& visit,
                                 const std::stop_token& stop) const {
    AzureCall call{"GET", ""};
    call.query = {
        {"restype", "container"}, {"comp", "list"}, {"include", include}, {"prefix", prefix}};
    const std::size_t fixed = call.query.size();
    for (bool is_last = false; !is_last;) {
        const BlobAnswer response = container_.send(call, stop);
        if (response.status != http_status::ok) {
            throw container_.refused(response, "list what was removed", kList);
        }
        const std::optional<BlobListing> listing = parse_blob_listing(response.body);
        if (!listing) {
            throw StorageError(fmt::format("{} answers a listing that is none", place_.url),
                               Retry::may_help);
        }
        is_last = listing->next_marker.empty();
        call.query.resize(fixed);
        call.query.emplace_back("marker", listing->next_marker);
        for (const ListedBlob& blob : listing->blobs) {
            throw_if_stopped(stop);
            visit(blob);
        }
    }
}

std::map<std::string, AzureProtection::Removed> AzureProtection::removed_below(
    const std::string& prefix, const std::stop_token& stop) const {
    std::map<std::string, Removed> found;
    list_blobs(
        prefix, "versions,deleted,metadata",
        [&](const ListedBlob& each) {
            const bool is_there = !each.is_deleted && each.is_current;
            // Versions that were deleted are ours, as far as can be told.
            if (each.is_deleted && (!each.version.empty() || each.is_marked)) {
                return;
            }
            const auto [place, is_new] = found.try_emplace(each.name, Removed{each, is_there});
            Removed& known = place->second;
            known.is_there = known.is_there || is_there;
            if (!is_new && !each.version.empty() &&
                (known.blob.version.empty() || each.version < known.blob.version)) {
                known.blob = each;
            }
        },
        stop);
    std::erase_if(found, [](const auto& each) { return each.second.is_there; });
    return found;
}

/// What the account keeps (versions, deleted blobs) is nothing that a container's key may ask for.
bool AzureProtection::keeps_removed(std::stop_token /*stop*/) { return false; }

void AzureProtection::list_removed(const ObjectPrefix& prefix,
                                   const std::function<void(const ObjectInfo&)>& visit,
                                   std::stop_token stop) {
    for (const auto& [key, removed] : removed_below(listed_prefix(place_.prefix, prefix), stop)) {
        if (const auto name = name_of_key(key, place_.prefix)) {
            visit({*name, removed.blob.size_bytes, removed.blob.modified_at});
        }
    }
}

void AzureProtection::bring_back(const ObjectName& name, std::stop_token stop) {
    const std::string key = place_.prefix + name.text();
    const std::map<std::string, Removed> removed = removed_below(key, stop);
    const auto found = removed.find(key);
    if (found == removed.end()) {
        const std::optional<BlobAnswer> properties = look(name, "", stop);
        if (properties && properties->header("x-ms-copy-status") == "pending") {
            throw StorageError(fmt::format("{} is being copied still", name.text()),
                               Retry::may_help);
        }
        return;
    }
    if (!found->second.blob.version.empty()) {
        copy_to_itself(name, found->second.blob.version, stop);
        return;
    }
    AzureCall call{"PUT", name.text(), {{"comp", "undelete"}}};
    const BlobAnswer response = container_.send(call, stop);
    if (response.status != http_status::ok && !is_azure_absence(response)) {
        throw container_.refused(response, fmt::format("bring back {}", name.text()), kWrite);
    }
}

/// The previous version stays as it is, and a copy of it is there.
void AzureProtection::copy_to_itself(const ObjectName& name, const std::string& version,
                                     const std::stop_token& stop) const {
    AzureCall call{"PUT", name.text()};
    call.headers = {{"if-none-match", "*"}};
    call.copied_version = version;
    const BlobAnswer response = container_.send(call, stop);
    if (response.status == http_status::precondition_failed ||
        read_azure_refusal(response).code == "BlobAlreadyExists") {
        return;  // Another was faster.
    }
    if (response.status != kAccepted) {
        throw container_.refused(response, fmt::format("bring back {}", name.text()),
                                 "c (create) and r (read)");
    }
    if (response.header("x-ms-copy-status") == "pending") {
        throw StorageError(fmt::format("{} is being copied", name.text()), Retry::may_help);
    }
}

}  // namespace dbbackup
