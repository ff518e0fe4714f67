/// @file
/// The list of plug-ins, and the only file that names a concrete one.

#include "cli/plugins.hpp"

#include "connector/postgres/postgres_connector.hpp"
#include "connector/sqlite/sqlite_connector.hpp"
#include "repository/object_kinds.hpp"
#include "storage/azure/azure_storage.hpp"
#include "storage/crash_point_storage.hpp"
#include "storage/gcs/gcs_storage.hpp"
#include "storage/local/local_storage.hpp"
#include "storage/retrying_storage.hpp"
#include "storage/s3/s3_storage.hpp"
#include "storage/throttled_storage.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

std::optional<std::string> process_variable(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any.
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

/// How long what may work on a second try is repeated. DB_BACKUP_TEST_RETRY_S makes it shorter for
/// tests in which it never does.
RetryPolicy retry_policy() {
    RetryPolicy policy;
    if (const auto text = process_variable("DB_BACKUP_TEST_RETRY_S")) {
        policy.deadline = std::chrono::seconds(std::strtoul(text->c_str(), nullptr, 10));
    }
    return policy;
}

/// Keeps to the limits, repeats what may work on a second try, and tells the log about that. What
/// is sent again counts again.
std::unique_ptr<Storage> decorated(std::unique_ptr<Storage> storage, const StorageLimits& limits,
                                   Log& log) {
    storage = wrap_for_tests(std::move(storage));
    if (limits.bytes_per_s) {
        storage = std::make_unique<ThrottledStorage>(std::move(storage), *limits.bytes_per_s,
                                                     ThrottleEnvironment::system());
    }
    RetryEnvironment environment = RetryEnvironment::system();
    environment.on_retry = [&log](const Error& error, std::chrono::milliseconds wait) {
        log.warning("the storage failed and is tried again",
                    {{"error", error.what()}, {"wait_ms", std::to_string(wait.count())}});
    };
    return std::make_unique<RetryingStorage>(std::move(storage), retry_policy(),
                                             std::move(environment));
}

}  // namespace

Plugins make_plugins(Log& log) {
    Plugins plugins;
    plugins.storages.add(std::string(scheme_of(StorageType::local)), make_local_storage);
    plugins.storages.add(
        std::string(scheme_of(StorageType::s3)), [](const StorageUrl& url, CreatePlace) {
            static const SystemClock clock;
            return make_s3_storage(url, process_variable, clock, repository_object_rules());
        });
    plugins.storages.add(
        std::string(scheme_of(StorageType::gcs)), [](const StorageUrl& url, CreatePlace) {
            static const SystemClock clock;
            return make_gcs_storage(url, process_variable, clock, repository_object_rules());
        });
    plugins.storages.add(
        std::string(scheme_of(StorageType::azure)), [](const StorageUrl& url, CreatePlace) {
            static const SystemClock clock;
            return make_azure_storage(url, process_variable, clock, repository_object_rules());
        });
    plugins.storages.decorate(
        [&log](std::unique_ptr<Storage> storage, const StorageLimits& limits) {
            return decorated(std::move(storage), limits, log);
        });
    plugins.connectors[DatabaseType::sqlite] = [](SourceOptions options) {
        return make_sqlite_connector(std::move(options));
    };
    plugins.connectors[DatabaseType::postgres] = [](SourceOptions options) {
        return make_postgres_connector(std::move(options));
    };
    return plugins;
}

}  // namespace dbbackup
