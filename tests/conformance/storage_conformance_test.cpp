/// @file
/// The storage suite against every store of this build, opened through a registry as the program
/// does. A new store is one more line in `plugins()` and one more case below.

#include "conformance/storage_suite.hpp"
#include "conformance/storage_suite_concurrency.hpp"
#include "conformance/storage_suite_upload.hpp"
#include "conformance/toy_storage.hpp"
#include "storage/local/local_storage.hpp"
#include "storage/retrying_storage.hpp"
#include "storage/throttled_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/temporary_folder.hpp"

#include <utility>

namespace dbbackup {
namespace {

StorageRegistry plugins() {
    StorageRegistry registry;
    registry.add("file", make_local_storage);
    registry.add("toy", toy_storage_factory());
    return registry;
}

class RegistryPlace final : public StoragePlace {
public:
    explicit RegistryPlace(std::string url) : url_(std::move(url)) {}
    /// A place in a folder of its own.
    RegistryPlace() : url_((folder_.path() / "repository").string()) {}

    std::unique_ptr<Storage> open() override { return registry_.open(url_, CreatePlace::yes); }

private:
    TemporaryFolder folder_;
    StorageRegistry registry_ = plugins();
    std::string url_;
};

class MemoryPlace final : public StoragePlace {
public:
    std::unique_ptr<Storage> open() override { return memory_.handle(); }

private:
    MemoryStorage memory_;
};

class RetryingPlace final : public StoragePlace {
public:
    std::unique_ptr<Storage> open() override {
        return std::make_unique<RetryingStorage>(memory_.handle(), RetryPolicy{},
                                                 RetryEnvironment::system());
    }

private:
    MemoryStorage memory_;
};

/// Fast enough not to be felt; what it lets pass must be the same all the same.
std::unique_ptr<Storage> throttled(std::unique_ptr<Storage> storage) {
    return std::make_unique<ThrottledStorage>(std::move(storage), 100_GiB,
                                              ThrottleEnvironment::system());
}

class ThrottledPlace final : public StoragePlace {
public:
    std::unique_ptr<Storage> open() override { return throttled(memory_.handle()); }

private:
    MemoryStorage memory_;
};

/// As the program stacks them over a real store.
class DecoratedPlace final : public StoragePlace {
public:
    std::unique_ptr<Storage> open() override {
        return std::make_unique<RetryingStorage>(
            throttled(registry_.open((folder_.path() / "repository").string(), CreatePlace::yes)),
            RetryPolicy{}, RetryEnvironment::system());
    }

private:
    TemporaryFolder folder_;
    StorageRegistry registry_ = plugins();
};

template <class Place, class... Arguments>
StorageCase storage_case(std::string name, Arguments... arguments) {
    return {std::move(name), [=] { return std::make_unique<Place>(arguments...); }};
}

INSTANTIATE_TEST_SUITE_P(Stores, StorageSuite,
                         testing::Values(storage_case<RegistryPlace>("Local"),
                                         storage_case<RegistryPlace>("Toy", "toy://map"),
                                         storage_case<MemoryPlace>("Memory"),
                                         storage_case<RetryingPlace>("RetryingMemory"),
                                         storage_case<ThrottledPlace>("ThrottledMemory"),
                                         storage_case<DecoratedPlace>("DecoratedLocal")),
                         storage_case_name);

}  // namespace
}  // namespace dbbackup
