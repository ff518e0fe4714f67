// uses: base sys crypto config connector connector_postgres

/// @file
/// Any bytes as an archive of pg_dump: its table of contents is read and chosen from, or it is
/// refused by one of our errors.

#include "base/error.hpp"
#include "config/name_pattern.hpp"
#include "connector/postgres/toc.hpp"
#include "connector/postgres/toc_choice.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dbbackup::postgres {
namespace {

void choose_from(const Toc& toc, const NameSelection& names) {
    const TocChoice choice = choose(toc, "shop", names);
    for (const int id : choice.ids) {
        if (toc.find(id) == nullptr) {
            std::abort();  // Only what is there is chosen.
        }
    }
    std::set<int> there;
    for (std::size_t each = 0; each < choice.ids.size(); each += 2) {
        there.insert(choice.ids[each]);
    }
    for (const int id : without(toc, choice.ids, there)) {
        if (there.contains(id)) {
            std::abort();
        }
    }
}

void read(BytesView archive) {
    const Toc toc = Toc::parse(archive);
    static_cast<void>(toc.settings());
    for (const TocEntry& entry : toc.entries()) {
        static_cast<void>(toc.subject_of(entry));
    }
    choose_from(toc, {});
    choose_from(toc, NameSelection::parse({"public.*"}, {}));
    choose_from(toc, NameSelection::parse({"orders"}, {"*_1"}));
}

}  // namespace
}  // namespace dbbackup::postgres

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        dbbackup::postgres::read({data, size});
    } catch (const dbbackup::ConfigError&) {
        return 0;  // A clear refusal is a good answer.
    } catch (const dbbackup::CorruptionError&) {
        return 0;
    }
    return 0;
}
