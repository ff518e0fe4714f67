#pragma once

/// @file
/// An object of S3 that is written piece by piece.
///
/// Source: Amazon S3 API reference, CreateMultipartUpload, UploadPart, CompleteMultipartUpload,
/// AbortMultipartUpload; "Amazon S3 multipart upload limits" in the user guide.

#include "storage/parted_upload.hpp"
#include "storage/s3/s3_call.hpp"

#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// A multipart upload; an object of one part is put. One thread at a time uses it.
///
/// The object carries a word of this upload alone, in its metadata: after a lost answer it tells
/// our own object from another's.
class S3Upload final : public PartedUpload {
public:
    /// @param put What stores the object, without a body: its key, and the headers of what the
    /// object is to be.
    S3Upload(S3Bucket bucket, ObjectName name, S3Call put);
    S3Upload(const S3Upload&) = delete;
    S3Upload& operator=(const S3Upload&) = delete;
    ~S3Upload() override;

private:
    void send_part(BytesView part, const std::stop_token& stop) override;
    PutResult finish(BytesView rest, const std::stop_token& stop) override;

    void begin(const std::stop_token& stop);
    PutResult put_whole(BytesView content, const std::stop_token& stop);
    PutResult complete(const std::stop_token& stop);
    PutResult whose_object(const HttpResponse& refusal, const std::stop_token& stop);
    [[nodiscard]] std::string completion() const;
    [[nodiscard]] std::string doing() const;

    S3Bucket bucket_;
    S3Call put_;
    std::string key_;
    std::string mark_;
    std::string upload_id_;  ///< Empty: there is nothing to abort.
    std::vector<std::string> part_tags_;
    bool is_rest_sent_ = false;
};

}  // namespace dbbackup
