#include "connector/postgres/toc.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace dbbackup::postgres {
namespace {

constexpr std::string_view kMagic = "PGDMP";
constexpr std::uint8_t kVersionMajor = 1;
constexpr std::uint8_t kOldestMinor = 12;
constexpr std::uint8_t kNewestMinor = 16;
constexpr std::uint8_t kHasAccessMethod = 14;
constexpr std::uint8_t kShortCompression = 15;
constexpr std::uint8_t kHasRelationKind = 16;
constexpr std::uint8_t kFormatCustom = 1;
constexpr std::size_t kTimeIntegers = 7;

CorruptionError not_one() {
    return CorruptionError("the snapshot's archive of definitions is none of pg_dump's");
}

/// Takes an archive to pieces, from its beginning.
class Cursor {
public:
    explicit Cursor(BytesView bytes) : bytes_(bytes) {}

    std::uint8_t byte() { return take(1).front(); }
    BytesView take(std::size_t count) {
        if (bytes_.size() < count) {
            throw not_one();
        }
        const BytesView taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }
    /// A sign and the value, lowest byte first.
    std::int64_t integer() {
        const bool is_negative = byte() != 0;
        std::int64_t value = 0;
        const BytesView digits = take(integer_bytes_);
        for (std::size_t at = digits.size(); at-- > 0;) {
            value = value * 256 + digits[at];
        }
        return is_negative ? -value : value;
    }
    /// Nothing for NULL.
    std::optional<std::string> text() {
        const std::int64_t length = integer();
        if (length < 0) {
            return std::nullopt;
        }
        return std::string(as_text(take(static_cast<std::size_t>(length))));
    }
    std::string text_or_empty() { return text().value_or(std::string()); }
    void skip_texts(int count) {
        for (int each = 0; each < count; ++each) {
            static_cast<void>(text());
        }
    }

    /// Reads all before the first entry.
    void read_head() {
        if (as_text(take(kMagic.size())) != kMagic || byte() != kVersionMajor) {
            throw not_one();
        }
        minor_ = byte();
        if (minor_ > kNewestMinor) {
            throw explained<ConfigError>(
                fmt::format("the definitions were written by a later pg_dump (archive version "
                            "1.{}) than this program can choose from",
                            minor_),
                "Restore the whole snapshot, or use a later db-backup.", "selection_not_supported");
        }
        static_cast<void>(byte());  // The revision.
        integer_bytes_ = byte();
        offset_bytes_ = byte();
        if (minor_ < kOldestMinor || integer_bytes_ != 4 || offset_bytes_ > 8 ||
            byte() != kFormatCustom) {
            throw not_one();
        }
        if (minor_ >= kShortCompression) {
            static_cast<void>(byte());
        } else {
            static_cast<void>(integer());
        }
        for (std::size_t each = 0; each < kTimeIntegers; ++each) {
            static_cast<void>(integer());
        }
        skip_texts(3);  // The database, the versions of server and program.
    }

    TocEntry read_entry() {
        TocEntry entry;
        entry.id = static_cast<int>(integer());
        static_cast<void>(integer());  // Whether it has data.
        skip_texts(2);                 // Where it was in the catalogue.
        entry.name = text_or_empty();
        entry.kind = text_or_empty();
        const std::int64_t section = integer();
        if (section >= 2 && section <= 4) {
            entry.section = static_cast<TocEntry::Section>(section);
        }
        entry.definition = text_or_empty();
        skip_texts(2);  // How it is dropped, how its rows are copied.
        entry.schema = text_or_empty();
        entry.tablespace = text_or_empty();
        skip_texts(minor_ >= kHasAccessMethod ? 1 : 0);
        if (minor_ >= kHasRelationKind) {
            static_cast<void>(integer());
        }
        entry.owner = text_or_empty();
        skip_texts(1);  // Whether it has object ids.
        while (const std::optional<std::string> need = text()) {
            int id = 0;
            std::from_chars(need->data(), need->data() + need->size(), id);
            entry.needs.push_back(id);
        }
        static_cast<void>(take(1 + offset_bytes_));  // Where its data are.
        return entry;
    }

private:
    BytesView bytes_;
    std::uint8_t minor_ = 0;
    std::size_t integer_bytes_ = 4;
    std::size_t offset_bytes_ = 8;
};

template <class Kinds>
bool is_one_of(std::string_view kind, const Kinds& kinds) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

}  // namespace

TocEntry::Role TocEntry::role() const {
    static constexpr std::array<std::string_view, 5> kSettings = {
        "ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES"};
    static constexpr std::array<std::string_view, 18> kParts = {
        "INDEX",          "INDEX ATTACH",      "CONSTRAINT",
        "FK CONSTRAINT",  "CHECK CONSTRAINT",  "TRIGGER",
        "POLICY",         "ROW SECURITY",      "RULE",
        "DEFAULT",        "COMMENT",           "ACL",
        "SECURITY LABEL", "STATISTICS",        "SEQUENCE OWNED BY",
        "TABLE ATTACH",   "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"};
    if (has_columns() || is_sequence()) {
        return Role::relation;
    }
    if (is_one_of(kind, kSettings)) {
        return Role::setting;
    }
    return is_one_of(kind, kParts) ? Role::part : Role::object;
}

bool TocEntry::has_columns() const {
    static constexpr std::array<std::string_view, 4> kKinds = {"TABLE", "VIEW", "MATERIALIZED VIEW",
                                                               "FOREIGN TABLE"};
    return is_one_of(kind, kKinds);
}

std::string TocEntry::full_name() const {
    return schema.empty() ? name : fmt::format("{}.{}", schema, name);
}

Toc::Toc(std::vector<TocEntry> entries) : entries_(std::move(entries)) {
    for (std::size_t index = 0; index < entries_.size(); ++index) {
        by_id_.emplace(entries_[index].id, index);
    }
}

Toc Toc::parse(BytesView archive) {
    Cursor cursor(archive);
    cursor.read_head();
    const std::int64_t count = cursor.integer();
    std::vector<TocEntry> entries;
    for (std::int64_t each = 0; each < count; ++each) {
        entries.push_back(cursor.read_entry());
    }
    Toc toc(std::move(entries));
    if (toc.by_id_.size() != toc.entries_.size()) {
        throw not_one();  // Two with one number: neither could be asked for.
    }
    return toc;
}

const TocEntry* Toc::find(int id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &entries_[found->second];
}

const TocEntry* Toc::subject_of(const TocEntry& part) const {
    const TocEntry* first = nullptr;
    for (const int id : part.needs) {
        const TocEntry* const each = find(id);
        if (each == nullptr || !each->has_columns()) {
            continue;
        }
        // Others are referenced by the constraint, or read by the rule.
        const bool is_named = each->schema == part.schema &&
                              (part.name == each->name || part.name.starts_with(each->name + " "));
        if (is_named) {
            return each;
        }
        if (first == nullptr) {
            first = each;
        }
    }
    return first;
}

std::vector<std::string> Toc::settings() const {
    std::vector<std::string> settings;
    for (const TocEntry& entry : entries_) {
        if (entry.kind == "ENCODING" || entry.kind == "STDSTRINGS") {
            settings.push_back(entry.definition);
        }
    }
    return settings;
}

}  // namespace dbbackup::postgres
