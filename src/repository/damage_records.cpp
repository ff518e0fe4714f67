#include "repository/damage_records.hpp"

#include "base/error.hpp"
#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "storage/access_denied.hpp"
#include "storage/listing.hpp"
#include "storage/locked_objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kIdBytes = 16;

}  // namespace

ObjectName new_damage_object_name() {
    return ObjectName("damaged/" + to_hex(random_bytes(kIdBytes)));
}

Bytes encode_damage(const Keys& keys, const ObjectName& name, const std::set<PackName>& packs) {
    records::Damage record;
    for (const PackName& pack : packs) {
        record.add_packs(to_record(pack));
    }
    return encode_message(keys, name, RecordKind::damage, record);
}

std::set<PackName> decode_damage(const Keys& keys, const ObjectName& name, BytesView object) {
    const Record record = decode_record(keys, name, object, {RecordKind::damage});
    std::set<PackName> packs;
    for (const Bytes& section : record.sections) {
        const auto damage = parse_record<records::Damage>(section);  // Outlives the loop over it.
        for (const std::string& pack : damage.packs()) {
            packs.insert(name_from_record<PackName>(pack));
        }
    }
    return packs;
}

DamageRecords read_all_damage_records(Repository& repository, std::stop_token stop) {
    DamageRecords records;
    for (const ObjectName& name : names_below(repository.storage(), "damaged", stop)) {
        try {
            if (const std::optional<Bytes> object = repository.storage().get(name, stop)) {
                records.packs.merge(decode_damage(repository.keys(), name, *object));
            }
        } catch (const Error& error) {
            const CorruptionError damage = damage_of(error);  // What is no damage is thrown.
            repository.log().warning("a record of damage cannot be read",
                                     {{"object", name.text()}, {"error", damage.what()}});
            records.unreadable.push_back(name);
        }
    }
    return records;
}

std::uint64_t remove_settled_damage_records(Repository& repository,
                                            const std::set<PackName>& removed,
                                            std::stop_token stop) {
    std::uint64_t count = 0;
    for (const ObjectName& name : names_below(repository.storage(), "damaged", stop)) {
        try {
            const std::optional<Bytes> object = repository.storage().get(name, stop);
            if (object &&
                std::ranges::includes(removed, decode_damage(repository.keys(), name, *object))) {
                LockedObjects locked;  // It means nothing any more, and goes another time.
                const bool is_gone =
                    remove_unless_locked(repository.storage(), name, 0, locked, stop);
                count += is_gone ? 1 : 0;
            }
        } catch (const CorruptionError&) {
            // What it says is not known, so it stays.
        }
    }
    return count;
}

std::set<PackName> read_damage_records(Repository& repository, std::stop_token stop) {
    return read_all_damage_records(repository, std::move(stop)).packs;
}

}  // namespace dbbackup
