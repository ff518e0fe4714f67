#include "support/faulty_storage.hpp"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace dbbackup {

FaultyStorage::FaultyStorage(Storage& inner, Faults faults)
    : inner_(inner), faults_(std::move(faults)) {}

StorageCall FaultyStorage::next_call(StorageOperation operation, const std::string& name) {
    return {operation, name, calls_.fetch_add(1) + 1};
}

template <class Action>
auto FaultyStorage::carry_out(const StorageCall& call, Action action) {
    if (faults_.before) {
        faults_.before(call);
    }
    if constexpr (std::is_void_v<std::invoke_result_t<Action>>) {
        action();
        if (faults_.after) {
            faults_.after(call);
        }
    } else {
        auto result = action();
        if (faults_.after) {
            faults_.after(call);
        }
        return result;
    }
}

PutResult FaultyStorage::put(const ObjectName& name, BytesView content, std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::put, name.text());
    return carry_out(call, [&] {
        if (!faults_.stored) {
            return inner_.put(name, content, stop);
        }
        Bytes changed(content.begin(), content.end());
        faults_.stored(call, changed);
        return inner_.put(name, changed, stop);
    });
}

/// One thread at a time uses it.
class FaultyStorage::FaultyUpload final : public Upload {
public:
    FaultyUpload(FaultyStorage& storage, std::string name, std::unique_ptr<Upload> inner)
        : storage_(storage), name_(std::move(name)), inner_(std::move(inner)) {}

    void write(BytesView piece, std::stop_token stop) override {
        const StorageCall call = storage_.next_call(StorageOperation::write, name_);
        storage_.carry_out(call, [&] {
            if (!is_unheard_) {
                inner_->write(piece, stop);
                is_unheard_ = true;
            }
        });
        is_unheard_ = false;
    }

    PutResult commit(std::stop_token stop) override {
        const StorageCall call = storage_.next_call(StorageOperation::commit, name_);
        return storage_.carry_out(call, [&] { return inner_->commit(stop); });
    }

private:
    FaultyStorage& storage_;
    std::string name_;
    std::unique_ptr<Upload> inner_;
    bool is_unheard_ = false;  ///< The last write was done, and its answer lost.
};

std::unique_ptr<Upload> FaultyStorage::begin_upload(const ObjectName& name, std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::begin_upload, name.text());
    return std::make_unique<FaultyUpload>(
        *this, name.text(), carry_out(call, [&] { return inner_.begin_upload(name, stop); }));
}

void FaultyStorage::end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::end_abandoned_uploads, {});
    carry_out(call, [&] { inner_.end_abandoned_uploads(silence, stop); });
}

std::optional<Bytes> FaultyStorage::get(const ObjectName& name, std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::get, name.text());
    return carry_out(call, [&] {
        std::optional<Bytes> content = inner_.get(name, stop);
        if (content && faults_.read) {
            faults_.read(call, *content);
        }
        return content;
    });
}

std::optional<Bytes> FaultyStorage::get_range(const ObjectName& name, ByteRange range,
                                              std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::get_range, name.text());
    return carry_out(call, [&] {
        std::optional<Bytes> content = inner_.get_range(name, range, stop);
        if (content && faults_.read) {
            faults_.read(call, *content);
        }
        return content;
    });
}

std::optional<std::uint64_t> FaultyStorage::size_bytes(const ObjectName& name,
                                                       std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::size_bytes, name.text());
    return carry_out(call, [&] { return inner_.size_bytes(name, stop); });
}

void FaultyStorage::list(const ObjectPrefix& prefix,
                         const std::function<void(const ObjectInfo&)>& visit,
                         std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::list, prefix.text());
    carry_out(call, [&] {
        if (!faults_.listed) {
            inner_.list(prefix, visit, stop);
            return;
        }
        std::vector<ObjectInfo> infos;
        inner_.list(prefix, [&infos](const ObjectInfo& info) { infos.push_back(info); }, stop);
        faults_.listed(call, infos);
        for (const ObjectInfo& info : infos) {
            visit(info);
        }
    });
}

void FaultyStorage::remove(const ObjectName& name, std::stop_token stop) {
    const StorageCall call = next_call(StorageOperation::remove, name.text());
    carry_out(call, [&] { inner_.remove(name, stop); });
}

StorageCapabilities FaultyStorage::capabilities() const { return inner_.capabilities(); }

}  // namespace dbbackup
