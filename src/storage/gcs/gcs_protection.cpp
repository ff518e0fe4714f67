#include "storage/gcs/gcs_protection.hpp"

#include "base/error.hpp"
#include "storage/cloud/object_calls.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/gcs/gcs_error.hpp"
#include "storage/gcs/gcs_object.hpp"
#include "storage/locked_objects.hpp"
#include "storage/operation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace dbbackup {

using std::chrono::sys_seconds;

/// An object that is not there. The newest generation tells who removed it; the oldest is the one
/// that we stored, whatever somebody may have put over it.
struct GcsProtection::Removed {
    GcsGeneration newest;
    GcsGeneration oldest;
    GcsKept kept = GcsKept::generations;  ///< The oldest.

    void add(const GcsGeneration& other, GcsKept how) {
        if (!newest.is_live && (other.is_live || other.number > newest.number)) {
            newest = other;
        }
        if (!other.is_live && other.number < oldest.number) {
            oldest = other;
            kept = how;
        }
    }
};

namespace {

constexpr const char* kGet = "storage.objects.get";
constexpr const char* kList = "storage.objects.list";
constexpr const char* kDelete = "storage.objects.delete";
constexpr const char* kUpdate = "storage.objects.update";
constexpr const char* kRetain = "storage.objects.setRetention and storage.objects.update";

bool is_done(const HttpResponse& response) {
    return response.status == http_status::ok || response.status == http_status::no_content;
}

std::string generation_query(const std::string& generation) {
    return generation.empty() ? "" : "&generation=" + generation;
}

}  // namespace

GcsProtection::GcsProtection(const GcsPlace& place, GcsBucket bucket, const Clock& clock)
    : place_(place), bucket_(std::move(bucket)), clock_(clock) {}

bool GcsProtection::is_absent(const HttpResponse& response, const std::string& doing,
                              const std::string& permission, const std::stop_token& stop) const {
    if (response.status != http_status::not_found) {
        return false;
    }
    GcsAbsence absent = what_is_absent(read_gcs_refusal(response));
    if (absent == GcsAbsence::unknown) {
        HttpRequest request;
        request.url = fmt::format("{}{}/o?maxResults=1&fields=kind&prefix={}", bucket_.server,
                                  bucket_.path, percent_encoded(place_.prefix));
        const HttpResponse asked = bucket_.send(request, stop);
        if (asked.status != http_status::ok && asked.status != http_status::not_found) {
            throw bucket_.refused(asked, doing, kList);
        }
        absent = asked.status == http_status::ok ? GcsAbsence::object : GcsAbsence::bucket;
    }
    if (absent == GcsAbsence::bucket) {
        throw bucket_.refused(response, doing, permission);
    }
    return true;
}

void GcsProtection::remove(const ObjectName& name, const std::stop_token& stop) {
    const Keeping kept = keeping(stop);
    if (!kept.generations) {
        remove_generation(name, "", kept, stop);
        return;
    }
    const std::string key = bucket_.object_prefix + name.text();
    std::vector<GcsGeneration> all;
    list_gcs_generations(
        bucket_, GcsKept::generations, key,
        [&](const GcsGeneration& each) {
            if (each.key == key) {
                all.push_back(each);
            }
        },
        stop);
    // What is there goes last: as long as an older one is locked, nothing has changed.
    std::ranges::stable_partition(all, [](const GcsGeneration& each) { return !each.is_live; });
    for (const GcsGeneration& each : all) {
        remove_generation(name, std::to_string(each.number), kept, stop);
    }
}

GcsProtection::Keeping GcsProtection::keeping(const std::stop_token& stop) {
    if (const auto known = keeping_.with([](const auto& value) { return value; })) {
        return *known;
    }
    const Keeping asked = ask_for_keeping(stop);
    keeping_.with([&asked](auto& value) { value = asked; });
    return asked;
}

GcsProtection::Keeping GcsProtection::ask_for_keeping(const std::stop_token& stop) const {
    HttpRequest request;
    request.url = fmt::format("{}{}?fields={}", bucket_.server, bucket_.path,
                              percent_encoded("versioning,softDeletePolicy"));
    const HttpResponse response = bucket_.send(request, stop);
    if (response.status == http_status::ok) {
        const nlohmann::json bucket = gcs_json_of(response);
        const nlohmann::json on = gcs_property(gcs_property(bucket, "versioning"), "enabled");
        const auto seconds = parse_gcs_number(
            text_at(gcs_property(bucket, "softDeletePolicy"), "retentionDurationSeconds"));
        return {on.is_boolean() && on.get<bool>(), seconds.value_or(0) > 0};
    }
    if (response.status != http_status::forbidden) {
        throw bucket_.refused(response, "ask what the bucket keeps", "storage.buckets.get");
    }
    // Whoever may not ask looks for generations each time. Deleted objects are not listed where
    // none are kept.
    return {true, keeps_deleted_objects(bucket_, stop)};
}

void GcsProtection::remove_generation(const ObjectName& name, const std::string& generation,
                                      const Keeping& keeping, const std::stop_token& stop) const {
    const std::string doing = fmt::format("remove {}", name.text());
    const bool is_marked = keeping.deleted && mark(name, generation, true, stop);
    HttpRequest request;
    request.method = "DELETE";
    request.url = bucket_.url_of(name, generation.empty() ? "" : "?generation=" + generation);
    const HttpResponse response = bucket_.send(request, stop);
    if (is_done(response) || is_absent(response, doing, kDelete, stop)) {
        return;
    }
    if (!is_about_gcs_lock(read_gcs_refusal(response))) {
        throw bucket_.refused(response, doing, kDelete);
    }
    if (is_marked) {
        // Whoever removes it later may not be us.
        mark(name, generation, false, stop);
    }
    throw object_locked_error(name, lock_end(name, generation, stop));
}

bool GcsProtection::mark(const ObjectName& name, const std::string& generation, bool is_removed,
                         const std::stop_token& stop) const {
    const nlohmann::json value = is_removed ? nlohmann::json("yes") : nlohmann::json();
    const std::string body = nlohmann::json{{"metadata", {{kGcsRemovedMark, value}}}}.dump();
    HttpRequest request;
    request.method = "PATCH";
    request.url = bucket_.url_of(name, "?fields=generation" + generation_query(generation));
    request.headers = {{"content-type", "application/json"}};
    request.body = as_bytes(body);
    const HttpResponse response = bucket_.change(request, stop);
    if (is_passing(response.status)) {
        throw bucket_.refused(response, fmt::format("mark {}", name.text()), kUpdate);
    }
    // Without the permission it goes unmarked: `undelete` brings it back, and `prune` removes it
    // again.
    return response.status == http_status::ok;
}

std::optional<nlohmann::json> GcsProtection::look(const ObjectName& name,
                                                  const std::string& generation,
                                                  const std::stop_token& stop) const {
    HttpRequest request;
    request.url = bucket_.url_of(
        name, fmt::format("?fields={}{}", percent_encoded("retention,retentionExpirationTime"),
                          generation_query(generation)));
    const HttpResponse response = bucket_.send(request, stop);
    if (response.status == http_status::ok) {
        return gcs_json_of(response);
    }
    if (is_passing(response.status)) {
        throw bucket_.refused(response, fmt::format("look at {}", name.text()), kGet);
    }
    return std::nullopt;
}

std::optional<sys_seconds> GcsProtection::lock_end(const ObjectName& name,
                                                   const std::string& generation,
                                                   const std::stop_token& stop) const {
    const std::optional<nlohmann::json> object = look(name, generation, stop);
    const std::optional<sys_seconds> end = object ? gcs_retention_end(*object) : std::nullopt;
    return end && *end > clock_.now() ? end : std::nullopt;
}

std::optional<sys_seconds> GcsProtection::locked_until(const ObjectName& name,
                                                       std::stop_token stop) {
    return lock_end(name, "", stop);
}

HttpResponse GcsProtection::retain(const ObjectName& name, LockMode mode, sys_seconds until,
                                   const std::string& query, const std::stop_token& stop) const {
    const std::string body = nlohmann::json{{kGcsRetention, gcs_retention(mode, until)}}.dump();
    HttpRequest request;
    request.method = "PATCH";
    request.url = bucket_.url_of(name, "?fields=retention" + query);
    request.headers = {{"content-type", "application/json"}};
    request.body = as_bytes(body);
    return bucket_.change(request, stop);
}

void GcsProtection::lock_until(const ObjectName& name, sys_seconds until, std::stop_token stop) {
    const LockMode mode = place_.lock ? place_.lock->mode : LockMode::governance;
    const std::string doing = fmt::format("lock {}", name.text());
    HttpResponse response = retain(name, mode, until, "", stop);
    std::string permission = kRetain;
    if (response.status == http_status::forbidden) {
        const std::optional<nlohmann::json> object = look(name, "", stop);
        const std::string word =
            object ? text_at(gcs_property(*object, kGcsRetention), "mode") : std::string();
        const std::optional<sys_seconds> end = object ? gcs_retention_end(*object) : std::nullopt;
        const bool is_locked = word == gcs_word_of(LockMode::compliance);
        if (end && *end >= until && (is_locked || word == gcs_word_of(mode))) {
            return;  // A lock that gets shorter is what was refused.
        }
        if (is_locked && mode == LockMode::governance) {
            response = retain(name, LockMode::compliance, until, "", stop);
        } else if (!word.empty() && mode == LockMode::compliance) {
            // From now on nobody may take it back, which only some may say.
            permission = "storage.objects.overrideUnlockedRetention";
            response = retain(name, mode, std::max(until, end.value_or(until)),
                              "&overrideUnlockedRetention=true", stop);
        }
    }
    if (response.status != http_status::ok && !is_absent(response, doing, permission, stop)) {
        throw bucket_.refused(response, doing, permission);
    }
    if (response.status == http_status::ok && !has_gcs_retention(gcs_json_of(response))) {
        throw bucket_.lock_missing(doing);
    }
}

std::map<std::string, GcsProtection::Removed> GcsProtection::removed_below(
    const std::string& prefix, const std::stop_token& stop) const {
    std::map<std::string, Removed> found;
    for (const GcsKept kept : {GcsKept::generations, GcsKept::deleted}) {
        list_gcs_generations(
            bucket_, kept, prefix,
            [&](const GcsGeneration& each) {
                found.try_emplace(each.key, Removed{each, each, kept})
                    .first->second.add(each, kept);
            },
            stop);
    }
    std::erase_if(found, [](const auto& each) {
        return each.second.newest.is_live || each.second.newest.is_marked;
    });
    return found;
}

/// Where deleted objects are kept for a time, what `prune` removed is kept, too, and not always
/// marked as such.
bool GcsProtection::keeps_removed(std::stop_token stop) {
    const Keeping kept = keeping(stop);
    return kept.generations && !kept.deleted;
}

void GcsProtection::list_removed(const ObjectPrefix& prefix,
                                 const std::function<void(const ObjectInfo&)>& visit,
                                 std::stop_token stop) {
    for (const auto& [key, removed] : removed_below(listed_prefix(place_.prefix, prefix), stop)) {
        if (const auto name = name_of_key(key, place_.prefix)) {
            visit({*name, removed.oldest.size_bytes, removed.oldest.modified_at});
        }
    }
}

void GcsProtection::bring_back(const ObjectName& name, std::stop_token stop) {
    const std::string key = bucket_.object_prefix + name.text();
    const std::map<std::string, Removed> removed = removed_below(key, stop);
    const auto found = removed.find(key);
    if (found == removed.end()) {
        return;
    }
    const std::uint64_t generation = found->second.oldest.number;
    if (found->second.kept == GcsKept::generations) {
        copy_to_itself(name, generation, stop);
    } else {
        restore(name, generation, stop);
    }
}

/// A noncurrent generation stays as it is, and a copy of it is there.
void GcsProtection::copy_to_itself(const ObjectName& name, std::uint64_t generation,
                                   const std::stop_token& stop) const {
    const std::string doing = fmt::format("bring back {}", name.text());
    std::string token;
    do {
        HttpRequest request;
        request.method = "POST";
        request.url = fmt::format(
            "{}/rewriteTo/b/{}/o/{}?sourceGeneration={}&ifGenerationMatch=0&fields={}{}{}{}{}",
            bucket_.url_of(name), percent_encoded(place_.bucket),
            percent_encoded(bucket_.object_prefix + name.text()), generation,
            percent_encoded("done,rewriteToken"),
            place_.kms_key.empty() ? "" : "&destinationKmsKeyName=",
            percent_encoded(place_.kms_key),
            token.empty() ? "" : "&rewriteToken=", percent_encoded(token));
        const HttpResponse response = bucket_.send(request, stop);
        if (response.status == http_status::precondition_failed ||
            is_absent(response, doing, kGet, stop)) {
            return;  // Another was faster, either way.
        }
        if (response.status != http_status::ok) {
            throw bucket_.refused(response, doing,
                                  "storage.objects.create and storage.objects.get");
        }
        token = text_at(gcs_json_of(response), "rewriteToken");
    } while (!token.empty());
}

void GcsProtection::restore(const ObjectName& name, std::uint64_t generation,
                            const std::stop_token& stop) const {
    const std::string doing = fmt::format("bring back {}", name.text());
    HttpRequest request;
    request.method = "POST";
    request.url = fmt::format("{}/restore?generation={}&ifGenerationMatch=0&fields=generation",
                              bucket_.url_of(name), generation);
    const HttpResponse response = bucket_.change(request, stop);
    if (response.status != http_status::ok && response.status != http_status::precondition_failed &&
        !is_absent(response, doing, "storage.objects.restore", stop)) {
        throw bucket_.refused(response, doing,
                              "storage.objects.restore and storage.objects.create");
    }
}

}  // namespace dbbackup
