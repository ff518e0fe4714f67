#include "repository/features.hpp"

#include "repository/checked_json.hpp"
#include "storage/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::string_view kColumns = "zstd-columns";
constexpr std::array<std::string_view, 1> kKnown = {kColumns};

/// Whether a feature says so, or says nothing that format 1 understands.
bool is_needed_for(const nlohmann::json& feature, std::string_view what) {
    const auto member = feature.is_object() ? feature.find("needed_for") : feature.end();
    if (member == feature.end() || !member->is_array() || member->empty()) {
        return true;
    }
    return std::any_of(member->begin(), member->end(), [what](const nlohmann::json& each) {
        return each == what || (each != "read" && each != "write" && each != "collect");
    });
}

}  // namespace

void check_feature_statement(const ObjectName& name, BytesView content) {
    static_cast<void>(decode_checked_json(name.text(), content));
}

RepositoryError unknown_feature(const std::string& name, std::string_view needed_for) {
    return explained<RepositoryError>(
        fmt::format("to {} here, a program must know the feature '{}', which this one does not",
                    needed_for, name),
        "Use a newer version of db-backup.", "unknown_feature");
}

namespace {

/// What is in `features/`.
struct Listed {
    /// What this program does not know, with what it says; null for one that has gone.
    std::vector<std::pair<std::string, nlohmann::json>> unknown;
    std::set<std::string> known;
};

Listed read_features(Storage& storage, const std::stop_token& stop) {
    Listed listed;
    for (const ObjectName& name : names_below(storage, "features", stop)) {
        const std::string leaf(name.leaf());
        if (std::find(kKnown.begin(), kKnown.end(), leaf) != kKnown.end()) {
            // Its name says all, and each open would cost a request.
            listed.known.insert(leaf);
            continue;
        }
        const std::optional<Bytes> content = storage.get(name, stop);
        listed.unknown.emplace_back(
            leaf, content ? decode_checked_json(name.text(), *content) : nlohmann::json());
    }
    return listed;
}

}  // namespace

Features check_features(Storage& storage, std::stop_token stop) {
    Listed listed = read_features(storage, stop);
    Features features{{}, std::move(listed.known)};
    for (const auto& [name, feature] : listed.unknown) {
        if (is_needed_for(feature, "read")) {
            throw unknown_feature(name, "read");
        }
        if (is_needed_for(feature, "write")) {
            features.unknown_for_writing.push_back(name);
        }
    }
    return features;
}

void check_features_for_collecting(Storage& storage, std::stop_token stop) {
    for (const auto& [name, feature] : read_features(storage, stop).unknown) {
        if (is_needed_for(feature, "collect")) {
            throw unknown_feature(name, "collect");
        }
    }
}

void AnnouncedFeatures::announce(Codec codec, Storage& storage, std::stop_token stop) {
    if (codec != Codec::zstd_columns) {
        return;  // Format 1 has had the others from the start.
    }
    const std::lock_guard lock(mutex_);
    const std::string name(kColumns);
    if (names_.contains(name)) {
        return;
    }
    // Who does not know the codec takes whatever names it for damaged.
    static_cast<void>(storage.put(
        ObjectName("features/" + name),
        encode_checked_json({{"needed_for", {"collect", "read", "write"}}}), std::move(stop)));
    names_.insert(name);
}

}  // namespace dbbackup
