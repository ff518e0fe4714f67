#pragma once

/// @file
/// Cuts what is written into the parts that a store wants.

#include "base/log.hpp"
#include "storage/storage.hpp"
#include "sys/scratch.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace dbbackup {

/// How large parts are. A store takes so many of one object and no more; an object may be larger
/// than all of them in their first size.
struct PartSizes {
    std::size_t bytes_min = 0;
    std::uint32_t count_max = 0;  ///< 0: any number; all parts are of one size then.
    std::size_t bytes_max = SIZE_MAX;
};

/// The size of the part after the first `sent_bytes`: a fixed share of them, so that 8 MiB of
/// 10,000 parts become 10 TiB, and objects of a few GiB are sent in the smallest parts.
[[nodiscard]] std::size_t part_bytes(const PartSizes& sizes, std::uint64_t sent_bytes);

/// An upload that sends the object in parts. Those that grow large wait in a file without a name in
/// $TMPDIR, else in /var/tmp (sys/scratch.hpp). One thread at a time uses it.
class PartedUpload : public Upload {
public:
    void write(BytesView piece, std::stop_token stop) final;
    PutResult commit(std::stop_token stop) final;

protected:
    PartedUpload(ObjectName name, const PartSizes& sizes);

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
    PartSizes sizes_;
    std::size_t part_bytes_;
    Log no_log_;  ///< Without room in a file a part is in memory, and that is all there is to tell.
    ScratchSpace scratch_;
    ScratchArray<std::uint8_t> part_;
    std::uint64_t sent_bytes_ = 0;
    /// How long the piece is whose write has not ended, and how much of it was taken: a write that
    /// failed goes on there, and nothing else can be done before.
    std::optional<std::size_t> piece_bytes_;
    std::size_t taken_bytes_ = 0;
    std::optional<PutResult> result_;
};

}  // namespace dbbackup
