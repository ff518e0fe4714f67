#pragma once

/// @file
/// A store that does wrong what the test says: fails calls, loses answers, damages what is read,
/// hides or reorders what is listed.

#include "storage/operation.hpp"
#include "storage/storage.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dbbackup {

/// One call of a `Storage`, as hooks see it.
struct StorageCall {
    StorageOperation operation = StorageOperation::put;
    std::string name;           ///< Of the object, or the prefix of a listing.
    std::uint64_t ordinal = 0;  ///< 1 for the first call of all.
};

/// What goes wrong. Hooks run on the calling threads, several at once if the caller has several;
/// an empty hook does nothing.
struct Faults {
    std::function<void(const StorageCall&)> before;  ///< Throws: the call is not carried out.
    std::function<void(const StorageCall&)> after;   ///< Throws: carried out, the answer is lost.
    std::function<void(const StorageCall&, Bytes&)> stored;  ///< Changes what a put stores.
    std::function<void(const StorageCall&, Bytes&)> read;    ///< Changes what a get returns.
    std::function<void(const StorageCall&, std::vector<ObjectInfo>&)> listed;
};

/// Passes every call on to a store that outlives it, with faults. Safe to use from several threads
/// if the hooks are.
class FaultyStorage : public Storage {
public:
    FaultyStorage(Storage& inner, Faults faults);

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override;
    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override;
    void end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) override;
    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override;
    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override;
    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override;
    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override;
    void remove(const ObjectName& name, std::stop_token stop) override;
    [[nodiscard]] std::string url() const override { return inner_.url(); }
    [[nodiscard]] StorageCapabilities capabilities() const override;
    /// As it is: nothing goes wrong there.
    [[nodiscard]] ObjectProtection* protection() override { return inner_.protection(); }

    /// How many calls were made so far, failed ones included.
    [[nodiscard]] std::uint64_t calls() const { return calls_.load(); }

private:
    class FaultyUpload;

    template <class Action>
    auto carry_out(const StorageCall& call, Action action);
    StorageCall next_call(StorageOperation operation, const std::string& name);

    Storage& inner_;
    Faults faults_;
    std::atomic<std::uint64_t> calls_{0};
};

}  // namespace dbbackup
