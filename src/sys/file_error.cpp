#include "sys/file_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace dbbackup {

FileError::FileError(std::string_view doing, const std::filesystem::path& path, int error_number)
    : Error(fmt::format("cannot {} {}: {}", doing, path.native(),
                        std::generic_category().message(error_number))),
      error_number_(error_number) {}

bool FileError::is_full_disk() const noexcept {
    return error_number_ == ENOSPC || error_number_ == EDQUOT || error_number_ == EFBIG;
}

}  // namespace dbbackup
