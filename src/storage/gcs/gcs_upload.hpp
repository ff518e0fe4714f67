#pragma once

/// @file
/// An object of Google Cloud Storage that is written piece by piece.
///
/// Source: Cloud Storage, "Perform resumable uploads" and "Resumable uploads" (JSON API).

#include "storage/gcs/gcs_bucket.hpp"
#include "storage/parted_upload.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace dbbackup {

/// A resumable upload. One thread at a time uses it.
///
/// The store says how much it has when an answer was lost, so nothing is sent twice that it keeps.
/// The object carries a word of this upload alone, in its metadata: that tells our own object from
/// another's.
class GcsUpload final : public PartedUpload {
public:
    /// @param settings Of the object: class and retention, as its resource has them.
    GcsUpload(GcsBucket bucket, ObjectName name, nlohmann::json settings);
    GcsUpload(const GcsUpload&) = delete;
    GcsUpload& operator=(const GcsUpload&) = delete;
    ~GcsUpload() override;

private:
    void send_part(BytesView part, const std::stop_token& stop) override;
    PutResult finish(BytesView rest, const std::stop_token& stop) override;

    void begin(const std::stop_token& stop);
    void store(BytesView part, bool is_last, const std::stop_token& stop);
    void go_on_from(std::uint64_t stored, std::uint64_t end, bool is_question);
    void decide(const HttpResponse& response, const std::string& checksum,
                const std::stop_token& stop);
    void check(const nlohmann::json& object, const std::string& sent, const std::stop_token& stop);
    [[nodiscard]] bool is_removed_again(const std::stop_token& stop);
    [[nodiscard]] PutResult whose_object(const std::stop_token& stop);
    [[nodiscard]] std::string doing() const;

    GcsBucket bucket_;
    nlohmann::json settings_;
    std::string mark_;
    std::string session_;  ///< A URL; empty: there is nothing to cancel.
    std::uint64_t stored_bytes_ = 0;
    bool is_unsure_ = false;            ///< An answer was lost: the store is asked what it has.
    std::uint32_t checksum_ = 0;        ///< Of the parts before this one.
    std::optional<PutResult> outcome_;  ///< What the store has decided.
};

}  // namespace dbbackup
