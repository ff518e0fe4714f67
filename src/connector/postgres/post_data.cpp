#include "connector/postgres/post_data.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace dbbackup::postgres {
namespace {

class Ordering {
public:
    explicit Ordering(const Toc& toc) : toc_(toc) {
        bool is_after_rows = false;
        for (const TocEntry& entry : toc.entries()) {
            // What is of no section, such as a comment, goes with what it stands behind, as
            // pg_restore has it.
            if (entry.section != TocEntry::Section::none) {
                is_after_rows = entry.section == TocEntry::Section::post_data;
            }
            if (is_after_rows) {
                after_rows_.insert(entry.id);
            }
            if (entry.kind == "TABLE ATTACH") {
                note_partition(entry);
            }
        }
    }

    [[nodiscard]] bool is_after_rows(int id) const { return after_rows_.contains(id); }

    /// Of an entry all of whose needs were asked for, or come later.
    [[nodiscard]] bool may_be_made_at_once(const TocEntry& entry) {
        if (!is_lone(entry)) {
            return false;
        }
        const bool is_of_partition = is_index(entry) && partitions_.contains(table_of(entry));
        for (const int need : entry.needs) {
            // That of a partition is made for itself, and attached later.
            const TocEntry* const needed = toc_.find(need);
            const bool is_attached_later = is_of_partition && needed != nullptr &&
                                           is_index(*needed) &&
                                           partitioned_.contains(table_of(*needed));
            if (after_rows_.contains(need) && !at_once_.contains(need) && !is_attached_later) {
                return false;
            }
        }
        at_once_.insert(entry.id);
        return true;
    }

private:
    static bool is_index(const TocEntry& entry) {
        return entry.kind == "INDEX" || entry.kind == "CONSTRAINT";
    }
    [[nodiscard]] int table_of(const TocEntry& entry) const {
        const TocEntry* const table = toc_.subject_of(entry);
        return table == nullptr ? 0 : table->id;
    }

    void note_partition(const TocEntry& attach) {
        const int partition = table_of(attach);
        partitions_.insert(partition);
        for (const int need : attach.needs) {
            const TocEntry* const needed = toc_.find(need);
            if (need != partition && needed != nullptr && needed->has_columns()) {
                partitioned_.insert(need);
            }
        }
    }

    /// Whether it locks nothing but its own table, or two that have no partitions.
    [[nodiscard]] bool is_lone(const TocEntry& entry) const {
        if (is_index(entry)) {
            return table_of(entry) != 0 && !partitioned_.contains(table_of(entry));
        }
        return entry.kind == "FK CONSTRAINT" &&
               std::none_of(entry.needs.begin(), entry.needs.end(), [this](int need) {
                   return partitions_.contains(need) || partitioned_.contains(need);
               });
    }

    const Toc& toc_;
    std::set<int> after_rows_;
    std::set<int> partitions_;   ///< Tables.
    std::set<int> partitioned_;  ///< Tables that have partitions.
    std::set<int> at_once_;
};

}  // namespace

PostDataOrder post_data_order(const Toc& toc, std::span<const int> ids) {
    Ordering ordering(toc);
    PostDataOrder order;
    for (const int id : ids) {
        const TocEntry* const entry = toc.find(id);
        if (entry != nullptr && ordering.is_after_rows(id)) {
            (ordering.may_be_made_at_once(*entry) ? order.at_once : order.one_by_one).push_back(id);
        }
    }
    return order;
}

PostDataOrder all_at_once(const PostDataOrder& order, std::span<const int> ids) {
    std::set<int> after_rows(order.at_once.begin(), order.at_once.end());
    after_rows.insert(order.one_by_one.begin(), order.one_by_one.end());
    PostDataOrder all;
    std::ranges::copy_if(ids, std::back_inserter(all.at_once),
                         [&after_rows](int id) { return after_rows.contains(id); });
    return all;
}

}  // namespace dbbackup::postgres
