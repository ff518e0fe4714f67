/// @file
/// The list of plug-ins, and the only file that names a concrete one.

#include "cli/plugins.hpp"

#include "connector/sqlite/sqlite_connector.hpp"
#include "storage/crash_point_storage.hpp"
#include "storage/local/local_storage.hpp"
#include "storage/retrying_storage.hpp"

#include <string>
#include <utility>

namespace dbbackup {
namespace {

/// Repeats what may work on a second try, and tells the log about it.
std::unique_ptr<Storage> retrying(std::unique_ptr<Storage> storage, Log& log) {
    if (!storage) {
        return nullptr;
    }
    RetryEnvironment environment = RetryEnvironment::system();
    environment.on_retry = [&log](const Error& error, std::chrono::milliseconds wait) {
        log.warning("the storage failed and is tried again",
                    {{"error", error.what()}, {"wait_ms", std::to_string(wait.count())}});
    };
    return std::make_unique<RetryingStorage>(wrap_for_tests(std::move(storage)), RetryPolicy{},
                                             std::move(environment));
}

}  // namespace

Plugins make_plugins(Log& log) {
    Plugins plugins;
    plugins.storages.add(std::string(scheme_of(StorageType::local)),
                         [&log](const StorageUrl& url, CreatePlace create) {
                             return retrying(make_local_storage(url, create), log);
                         });
    plugins.connectors[DatabaseType::sqlite] = [](SourceOptions options) {
        return make_sqlite_connector(std::move(options));
    };
    return plugins;
}

}  // namespace dbbackup
