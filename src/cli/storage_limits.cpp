#include "cli/storage_limits.hpp"

namespace dbbackup {

StorageLimits storage_limits(const std::string& url, const RepositoryConfig* repository,
                             const Config& config) {
    StorageLimits limits;
    if (StorageUrl::parse(url).type() != StorageType::local) {
        limits.bytes_per_s = config.storage.bandwidth_bytes_per_s;
        limits.ca_file = config.storage.ca_file;
    }
    if (repository != nullptr) {
        limits.object_lock = repository->object_lock();
        if (repository->bandwidth_bytes_per_s) {
            limits.bytes_per_s = repository->bandwidth_bytes_per_s;
        }
    }
    return limits;
}

}  // namespace dbbackup
