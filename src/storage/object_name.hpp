#pragma once

/// @file
/// Names of objects: what every store can keep, and nothing that one of them cannot.

#include <compare>
#include <string>
#include <string_view>

namespace dbbackup {

/// "packs/ab/abcdef…": one to eight segments joined by '/', each 1 to 100 characters of
/// [a-z0-9._-] and not starting with a dot. That is a valid key in S3, GCS and Azure Blob and a
/// valid path on case-insensitive file systems; no segment can climb out of the root.
class ObjectName {
public:
    /// @throws StorageError when `text` is not a name.
    explicit ObjectName(std::string text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// The last segment.
    [[nodiscard]] std::string_view leaf() const noexcept;
    /// Whether `text` would be accepted by the constructor.
    [[nodiscard]] static bool is_valid(std::string_view text) noexcept;

    friend auto operator<=>(const ObjectName&, const ObjectName&) = default;

private:
    std::string text_;
};

/// What a listing starts with: empty (everything) or whole segments, such as "packs/ab".
class ObjectPrefix {
public:
    ObjectPrefix() = default;
    /// @throws StorageError when `text` is not a name.
    explicit ObjectPrefix(std::string text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// Whether `name` lies below this prefix, that is, starts with it and a '/'.
    [[nodiscard]] bool covers(const ObjectName& name) const noexcept;

private:
    std::string text_;
};

}  // namespace dbbackup
