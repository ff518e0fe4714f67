#pragma once

/// @file
/// An object of Azure that is written piece by piece.
///
/// Source: Azure Storage REST API reference, Put Block, Put Block List; "Scalability and
/// performance targets for Blob storage".

#include "base/bytes.hpp"
#include "storage/azure/azure_call.hpp"
#include "storage/parted_upload.hpp"

#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// A list of blocks; an object of one block is put. One thread at a time uses it.
///
/// Blocks that no list names are no blob, and go by themselves in a week: nothing is to be aborted.
/// The names of blocks are this upload's alone, as others may write blocks of the same blob. The
/// blob carries a word of this upload in its metadata: that tells our own from another's.
class AzureUpload final : public PartedUpload {
public:
    AzureUpload(AzureContainer container, ObjectName name);

private:
    void send_part(BytesView part, const std::stop_token& stop) override;
    PutResult finish(BytesView rest, const std::stop_token& stop) override;

    std::optional<PutResult> make(AzureCall call, BytesView body, const std::stop_token& stop);
    std::optional<PutResult> whose_object(const BlobAnswer& refusal, const std::stop_token& stop);
    [[nodiscard]] std::string block_id(std::size_t number) const;
    [[nodiscard]] std::string block_list() const;
    [[nodiscard]] std::string doing() const;
    [[nodiscard]] std::string permission() const;

    AzureContainer container_;
    Bytes mark_;
    std::size_t blocks_ = 0;
    bool is_rest_sent_ = false;
};

}  // namespace dbbackup
