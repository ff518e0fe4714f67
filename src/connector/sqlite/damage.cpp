#include "connector/sqlite/damage.hpp"

#include <fmt/format.h>

namespace dbbackup::sqlite {
namespace {

// Offsets in the file header. Source: https://www.sqlite.org/fileformat2.html, section 1.3.
constexpr std::size_t kFreelistFirst = 32;
constexpr std::size_t kFreelistCount = 36;
constexpr std::size_t kSchemaFormat = 44;
constexpr std::size_t kLargestRoot = 52;
constexpr std::size_t kTextEncoding = 56;
constexpr std::uint32_t kSchemaFormatMax = 4;
constexpr std::uint32_t kTextEncodingMax = 3;

/// Enough to say that something is wrong; a wrong disk would otherwise fill the screen.
constexpr std::size_t kProblemsMax = 5;

/// Whether a b-tree page may begin with this byte (section 1.6).
bool is_tree_page(std::uint8_t type) {
    return type == 0x02 || type == 0x05 || type == 0x0a || type == 0x0d;
}

struct Root {
    std::string name;
    std::int64_t page;
};

}  // namespace

std::vector<std::string> damage_in_header(const FileHeader& header, std::uint64_t page_count) {
    std::vector<std::string> problems;
    if (page_count == 0) {
        return problems;
    }
    const std::uint32_t first = header_field(header, kFreelistFirst);
    const std::uint32_t count = header_field(header, kFreelistCount);
    if (first > page_count || count >= page_count || (first == 0) != (count == 0)) {
        problems.push_back(
            fmt::format("the list of free pages ({} pages from page {}) does not "
                        "fit {} pages",
                        count, first, page_count));
    }
    if (header_field(header, kSchemaFormat) > kSchemaFormatMax) {
        problems.push_back(
            fmt::format("unknown schema format {}", header_field(header, kSchemaFormat)));
    }
    if (header_field(header, kTextEncoding) > kTextEncodingMax) {
        problems.push_back(
            fmt::format("unknown text encoding {}", header_field(header, kTextEncoding)));
    }
    if (header_field(header, kLargestRoot) > page_count) {
        problems.push_back(fmt::format("its largest root page {} lies behind the end",
                                       header_field(header, kLargestRoot)));
    }
    return problems;
}

std::vector<std::string> damage_in_roots(View& view) {
    std::vector<Root> roots;
    view.database().query("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0",
                          [&](const Row& row) { roots.push_back({row.text(0), row.integer(1)}); });
    std::vector<std::string> problems;
    std::vector<std::uint8_t> page(view.page_bytes());
    for (const Root& root : roots) {
        if (problems.size() >= kProblemsMax) {
            problems.emplace_back("and more");
            break;
        }
        const auto number = static_cast<std::uint64_t>(root.page);
        if (number > view.page_count()) {
            problems.push_back(
                fmt::format("'{}' begins at page {}, behind the end", root.name, number));
            continue;
        }
        view.read_pages(number - 1, page);
        if (!is_tree_page(page[0])) {
            problems.push_back(fmt::format("'{}' begins at page {}, which is not its first page",
                                           root.name, number));
        }
    }
    return problems;
}

}  // namespace dbbackup::sqlite
