#pragma once

/// @file
/// Cuts what is written into the parts that a store wants.

#include "storage/storage.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace dbbackup {

/// An upload that sends the object in parts. One thread at a time uses it.
class PartedUpload : public Upload {
public:
    void write(BytesView piece, std::stop_token stop) final;
    PutResult commit(std::stop_token stop) final;

protected:
    PartedUpload(ObjectName name, std::size_t part_bytes);

    /// Sends the next part, a whole one, after which others come. Called again with the same one
    /// when it failed.
    virtual void send_part(BytesView part, const std::stop_token& stop) = 0;

    /// Sends the last part, which is the whole object when none was sent before it, and makes the
    /// object. Called again with the same one when it failed: our own object found is `created`.
    virtual PutResult finish(BytesView rest, const std::stop_token& stop) = 0;

    [[nodiscard]] const ObjectName& name() const noexcept { return name_; }
    /// Of the parts sent so far, together.
    [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }

private:
    ObjectName name_;
    std::size_t part_bytes_;
    Bytes part_;
    std::uint64_t sent_bytes_ = 0;
    /// How long the piece is whose write has not ended, and how much of it was taken: a write that
    /// failed goes on there, and nothing else can be done before.
    std::optional<std::size_t> piece_bytes_;
    std::size_t taken_bytes_ = 0;
    std::optional<PutResult> result_;
};

}  // namespace dbbackup
