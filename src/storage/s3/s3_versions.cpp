#include "storage/s3/s3_versions.hpp"

#include "base/error.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/locked_objects.hpp"
#include "storage/operation.hpp"
#include "storage/s3/s3_headers.hpp"
#include "storage/s3/s3_listing.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace dbbackup {

using std::chrono::sys_seconds;

/// One version of an object, or a mark that says that it was removed.
struct S3Versions::Version {
    std::string key;
    std::string id;
    bool is_mark = false;
    bool is_latest = false;
    std::uint64_t size_bytes = 0;
    sys_seconds modified_at;
};

namespace {

bool is_refused(const HttpResponse& response) {
    return response.status == http_status::forbidden || response.status == http_status::bad_request;
}

bool is_gone(const HttpResponse& response) {
    return response.status == http_status::not_found &&
           read_refusal(response).code != "NoSuchBucket";
}

}  // namespace

S3Versions::S3Versions(const S3Place& place, SendS3Call send, const Clock& clock)
    : place_(place), send_(std::move(send)), clock_(clock) {}

std::string S3Versions::key_of(const ObjectName& name) const { return place_.prefix + name.text(); }

void S3Versions::remove(const ObjectName& name, const std::stop_token& stop) {
    if (!keeps_versions(stop)) {
        const HttpResponse response = send_({"DELETE", key_of(name)}, stop);
        if (response.status != http_status::ok && response.status != http_status::no_content &&
            !is_gone(response)) {
            throw refused(response, fmt::format("remove {}", name.text()), "s3:DeleteObject");
        }
        // Whoever may not ask learns it so, or somebody has switched it on meanwhile.
        if (!response.header("x-amz-delete-marker")) {
            return;
        }
        versioning_ = Versioning::on;
    }
    std::vector<Version> versions = versions_of(name, stop);
    // The newest goes last, so that no older one shows meanwhile.
    std::ranges::stable_partition(versions, [](const Version& each) { return !each.is_latest; });
    for (const Version& version : versions) {
        remove_version(name, version, stop);
    }
}

bool S3Versions::keeps_versions(const std::stop_token& stop) {
    if (versioning_ == Versioning::unknown) {
        S3Call call{"GET", ""};
        call.query = {{"versioning", ""}};
        const HttpResponse response = send_(call, stop);
        const bool is_known = response.status == http_status::ok;
        if (!is_known && (is_passing(response.status) ||
                          (response.status == http_status::not_found && !is_gone(response)))) {
            throw refused(response, "ask whether versions are kept", "s3:GetBucketVersioning");
        }
        pugi::xml_document document;
        const bool is_on =
            is_known && document.load_buffer(response.body.data(), response.body.size()) &&
            !document.child("VersioningConfiguration").child("Status").text().empty();
        versioning_ = is_on ? Versioning::on : Versioning::off;
    }
    return versioning_ == Versioning::on;
}

void S3Versions::list_versions(const std::string& prefix,
                               const std::function<bool(const Version&)>& visit,
                               const std::stop_token& stop) {
    S3Call call{"GET", ""};
    call.query = {{"versions", ""}, {"prefix", prefix}};
    constexpr std::array<S3PageMark, 2> kMarks = {
        {{"key-marker", "NextKeyMarker"}, {"version-id-marker", "NextVersionIdMarker"}}};
    const std::string doing = fmt::format("list versions in {}", place_.url);
    for (bool has_more = true; has_more;) {
        const HttpResponse response = send_(call, stop);
        if (response.status != http_status::ok) {
            throw refused(response, "list versions", "s3:ListBucketVersions");
        }
        const pugi::xml_document document = s3_page(response, "ListVersionsResult", doing);
        const pugi::xml_node result = document.child("ListVersionsResult");
        has_more = turn_s3_page(call, 2, result, kMarks, doing);
        std::vector<Version> page;
        for (const pugi::xml_node& found : result.children()) {
            const bool is_mark = std::string_view(found.name()) == "DeleteMarker";
            if (!is_mark && std::string_view(found.name()) != "Version") {
                continue;
            }
            page.push_back({found.child("Key").text().as_string(),
                            found.child("VersionId").text().as_string(), is_mark,
                            found.child("IsLatest").text().as_bool(),
                            found.child("Size").text().as_ullong(),
                            parse_second(found.child("LastModified").text().as_string())
                                .value_or(sys_seconds())});
        }
        // Some servers name the versions first, then all that is removed.
        std::ranges::stable_sort(page, {}, &Version::key);
        for (const Version& version : page) {
            throw_if_stopped(stop);
            if (!visit(version)) {
                return;
            }
        }
    }
}

std::vector<S3Versions::Version> S3Versions::versions_of(const ObjectName& name,
                                                         const std::stop_token& stop) {
    const std::string key = key_of(name);
    std::vector<Version> versions;
    list_versions(
        key,
        [&](const Version& version) {
            if (version.key == key) {
                versions.push_back(version);
            }
            return version.key == key;  // It is the first of all that begin so.
        },
        stop);
    return versions;
}

void S3Versions::remove_version(const ObjectName& name, const Version& version,
                                const std::stop_token& stop) {
    S3Call call{"DELETE", key_of(name)};
    call.query = {{"versionId", version.id}};
    const HttpResponse response = send_(call, stop);
    if (response.status == http_status::ok || response.status == http_status::no_content ||
        is_gone(response)) {
        return;
    }
    if (is_refused(response)) {
        const std::optional<sys_seconds> until =
            version.is_mark ? std::nullopt : lock_end(name, version.id, stop);
        if (until || is_about_lock(read_refusal(response))) {
            throw object_locked_error(name, until);
        }
    }
    throw refused(response, fmt::format("remove {}", name.text()), "s3:DeleteObjectVersion");
}

std::optional<sys_seconds> S3Versions::lock_end(const ObjectName& name, const std::string& version,
                                                const std::stop_token& stop) {
    S3Call call{"HEAD", key_of(name)};
    if (!version.empty()) {
        call.query = {{"versionId", version}};
    }
    const HttpResponse response = send_(call, stop);
    if (response.status != http_status::ok) {
        if (is_passing(response.status)) {
            throw refused(response, fmt::format("look at {}", name.text()), "s3:GetObject");
        }
        return std::nullopt;
    }
    const std::optional<sys_seconds> until =
        parse_second(response.header("x-amz-object-lock-retain-until-date").value_or(""));
    return until && *until > clock_.now() ? until : std::nullopt;
}

std::optional<sys_seconds> S3Versions::locked_until(const ObjectName& name, std::stop_token stop) {
    return lock_end(name, "", stop);
}

void S3Versions::lock_until(const ObjectName& name, sys_seconds until, std::stop_token stop) {
    const LockMode mode = place_.lock ? place_.lock->mode : LockMode::governance;
    const std::string body =
        fmt::format(R"(<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>{}</Mode>)"
                    "<RetainUntilDate>{:%Y-%m-%dT%H:%M:%SZ}</RetainUntilDate></Retention>",
                    s3_word_of(mode), until);
    S3Call call{"PUT", key_of(name)};
    call.query = {{"retention", ""}};
    call.body = as_bytes(body);
    call.is_checked = true;
    const HttpResponse response = send_(call, stop);
    if (response.status == http_status::ok || response.status == http_status::no_content ||
        is_gone(response)) {
        return;
    }
    if (is_refused(response)) {
        const std::optional<sys_seconds> locked = lock_end(name, "", stop);
        if (locked && *locked >= until) {
            return;  // A lock that gets shorter is what was refused.
        }
    }
    throw refused(response, fmt::format("lock {}", name.text()), "s3:PutObjectRetention");
}

bool S3Versions::keeps_removed(std::stop_token stop) { return keeps_versions(stop); }

void S3Versions::list_removed(const ObjectPrefix& prefix,
                              const std::function<void(const ObjectInfo&)>& visit,
                              std::stop_token stop) {
    std::string key;
    bool is_removed = false;
    std::optional<Version> content;
    const auto tell = [&] {
        const auto name = name_of_key(key, place_.prefix);
        if (is_removed && content && name) {
            visit({*name, content->size_bytes, content->modified_at});
        }
    };
    list_versions(
        listed_prefix(place_.prefix, prefix),
        [&](const Version& version) {
            if (version.key != key) {
                tell();
                key = version.key;
                is_removed = false;
                content.reset();
            }
            is_removed = is_removed || (version.is_mark && version.is_latest);
            if (!version.is_mark && !content) {
                content = version;
            }
            return true;
        },
        stop);
    tell();
}

void S3Versions::bring_back(const ObjectName& name, std::stop_token stop) {
    for (;;) {
        const std::vector<Version> versions = versions_of(name, stop);
        const auto latest = std::ranges::find_if(
            versions, [](const Version& each) { return each.is_latest && each.is_mark; });
        const auto marks = std::ranges::count_if(versions, &Version::is_mark);
        if (latest == versions.end() || static_cast<std::size_t>(marks) == versions.size()) {
            return;
        }
        remove_version(name, *latest, stop);
        if (marks == 1) {
            return;
        }
    }
}

StorageError S3Versions::refused(const HttpResponse& response, const std::string& doing,
                                 const std::string& permission) const {
    return s3_error(response, place_, doing, permission);
}

}  // namespace dbbackup
