// uses: base sys archive

/// @file
/// Any bytes as an archive: what it holds comes out, or it is refused by one of our errors.

#include "archive/archive_reader.hpp"
#include "archive/sqlite_image.hpp"
#include "base/error.hpp"

#include <filesystem>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dbbackup;
    static File file = File::temporary(std::filesystem::temp_directory_path());
    file.truncate(0);
    file.write_at(0, {data, size});
    try {
        const ArchiveReader reader(file);
        for (std::size_t index = 0; index < reader.manifest().databases.size(); ++index) {
            constexpr std::uint64_t kBytesMax = 1'000'000;  // more would only take longer
            Bytes header;
            std::uint64_t bytes = 0;
            reader.decode(index,
                          [&](BytesView part) {
                              bytes += part.size();
                              if (header.empty()) {
                                  header = copy_of(part);
                              }
                              if (bytes > kBytesMax) {
                                  throw Cancelled();
                              }
                          },
                          {});
            static_cast<void>(checked_page_bytes(header, bytes));
        }
    } catch (const ConfigError&) {
        return 0;
    } catch (const RepositoryError&) {
        return 0;
    } catch (const Cancelled&) {
        return 0;
    }
    return 0;
}
