#include "storage/azure/azure_upload.hpp"

#include "base/units.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/md5.hpp"
#include "storage/azure/azure_error.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace dbbackup {
namespace {

/// "Scalability and performance targets for Blob storage".
constexpr PartSizes kPartSizes{.bytes_min = 8_MiB, .count_max = 50'000, .bytes_max = 4'000_MiB};
/// Names of metadata are identifiers: no hyphen.
constexpr const char* kMark = "x-ms-meta-dbbackupupload";
constexpr const char* kPutPermission = "c (create)";
constexpr const char* kBlockPermission = "w (write)";
constexpr int kCreated = 201;

/// Whether the answer can mean that there is a blob of this name, maybe our own: the condition has
/// failed, whoever may only create is told that instead, or another's blob has thrown our blocks
/// away.
bool may_be_taken(const BlobAnswer& response) {
    const std::string code = read_azure_refusal(response).code;
    return response.status == http_status::precondition_failed || code == "BlobAlreadyExists" ||
           is_about_azure_lock(read_azure_refusal(response)) ||
           code == "UnauthorizedBlobOverwrite" || code == "AuthorizationPermissionMismatch" ||
           code == "InvalidBlockList";
}

}  // namespace

AzureUpload::AzureUpload(AzureContainer container, ObjectName name)
    : PartedUpload(std::move(name), kPartSizes),
      container_(std::move(container)),
      mark_(random_bytes(16)) {}

std::string AzureUpload::doing() const { return fmt::format("store {}", name().text()); }

std::string AzureUpload::permission() const {
    return blocks_ == 0 ? kPutPermission : kBlockPermission;
}

/// All of one length, as Azure wants it.
std::string AzureUpload::block_id(std::size_t number) const {
    Bytes id = mark_;
    for (int shift = 24; shift >= 0; shift -= 8) {
        id.push_back(static_cast<std::uint8_t>(number >> static_cast<unsigned>(shift)));
    }
    return to_base64(id);
}

std::string AzureUpload::block_list() const {
    std::string list = R"(<?xml version="1.0" encoding="utf-8"?><BlockList>)";
    for (std::size_t number = 0; number < blocks_; ++number) {
        list += fmt::format("<Uncommitted>{}</Uncommitted>", block_id(number));
    }
    return list + "</BlockList>";
}

void AzureUpload::send_part(BytesView part, const std::stop_token& stop) {
    AzureCall call{"PUT", name().text(), {{"comp", "block"}, {"blockid", block_id(blocks_)}}};
    call.headers = container_.storing_headers;
    call.headers.emplace_back("content-md5", to_base64(md5(part)));
    call.body = part;
    const BlobAnswer response = container_.send(call, stop);
    if (response.status != kCreated) {
        throw container_.refused(response, doing(), kBlockPermission);
    }
    ++blocks_;
}

PutResult AzureUpload::finish(BytesView rest, const std::stop_token& stop) {
    AzureCall call{"PUT", name().text()};
    call.headers = {{"if-none-match", "*"}, {kMark, to_hex(mark_)}};
    for (const HttpHeaders& more : {container_.storing_headers, container_.making_headers}) {
        call.headers.insert(call.headers.end(), more.begin(), more.end());
    }
    if (blocks_ == 0) {
        AzureCall whole = call;
        whole.headers.emplace_back("x-ms-blob-type", "BlockBlob");
        if (const std::optional<PutResult> made = make(std::move(whole), rest, stop)) {
            return *made;
        }
        // Azurite takes the blocks of another for a blob, until a list makes one.
    }
    if (!is_rest_sent_ && !rest.empty()) {
        send_part(rest, stop);
        is_rest_sent_ = true;
    }
    call.query = {{"comp", "blocklist"}};
    const std::string list = block_list();
    if (const std::optional<PutResult> made = make(std::move(call), as_bytes(list), stop)) {
        return *made;
    }
    throw StorageError(fmt::format("cannot {}: it came and went again", doing()), Retry::may_help);
}

/// Nothing when the name is taken, and then there is no blob.
std::optional<PutResult> AzureUpload::make(AzureCall call, BytesView body,
                                           const std::stop_token& stop) {
    call.headers.emplace_back("content-md5", to_base64(md5(body)));
    call.body = body;
    const BlobAnswer response = container_.send(call, stop);
    if (response.status == kCreated) {
        if (container_.made) {
            container_.made(stop);
        }
        return PutResult::created;
    }
    if (may_be_taken(response)) {
        return whose_object(response, stop);
    }
    throw container_.refused(response, doing(), permission());
}

/// @param refusal For when there is no object.
std::optional<PutResult> AzureUpload::whose_object(const BlobAnswer& refusal,
                                                   const std::stop_token& stop) {
    const BlobAnswer response = container_.send({"HEAD", name().text()}, stop);
    if (response.status == http_status::ok) {
        return response.header(kMark) == to_hex(mark_) ? PutResult::created : PutResult::exists;
    }
    if (response.status != http_status::not_found) {
        throw container_.refused(response, fmt::format("look at {}", name().text()), "r (read)");
    }
    if (read_azure_refusal(refusal).code == "InvalidBlockList") {
        throw explained<StorageError>(
            fmt::format("cannot {}: the store no longer has all blocks of it", doing()),
            "Blocks go a week after they were written, or with another object of that name: run "
            "the "
            "same command again.",
            "upload_ended");
    }
    if (refusal.status == http_status::precondition_failed ||
        refusal.status == http_status::conflict) {
        return std::nullopt;
    }
    throw container_.refused(refusal, doing(), permission());
}

}  // namespace dbbackup
