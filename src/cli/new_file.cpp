#include "cli/new_file.hpp"

#include "crypto/hash.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace dbbackup {

void write_new_file(const std::filesystem::path& path, BytesView content) {
    std::filesystem::path beside = path;
    beside += fmt::format(".{}.new", to_hex(random_bytes(4)));
    try {
        File file = File::open(beside, File::Mode::write_new, 0600);
        file.write_at(0, content);
        file.sync();
        file.close();
        if (!rename_no_replace(beside, path)) {
            throw FileError("create", path, EEXIST);
        }
    } catch (const FileError& error) {
        std::error_code ignored;  // What went wrong before says more.
        std::filesystem::remove(beside, ignored);
        throw FileError("create", path, error.error_number());
    }
    sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace dbbackup
