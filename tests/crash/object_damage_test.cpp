/// @file
/// Objects cut short at every length, grown, emptied, removed, and each put in the place of each
/// other one: found by `verify` of the data, and never a wrong restore. One length of three, unless
/// DB_BACKUP_LONG=1.

#include "crash/small_repository.hpp"

namespace dbbackup {
namespace {

class ObjectDamage : public SmallRepository {
protected:
    /// With `name` as `content`: `verify` tells of `name`, and what restores is right.
    void expect_found(const std::string& name, const Bytes& content, const std::string& what) {
        disk_.damage(ObjectName(name), [&](Bytes& bytes) { bytes = content; });
        EXPECT_TRUE(is_told(name)) << name << " " << what;
        expect_never_wrong(name + " " + what);
        disk_.damage(ObjectName(name), [&](Bytes& bytes) { bytes = healthy_.at(name); });
    }
};

INSTANTIATE_TEST_SUITE_P(Encryptions, ObjectDamage,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(ObjectDamage, CutShortAtEveryLength) {
    for (const auto& [name, content] : healthy_) {
        for (std::size_t length = 0; length < content.size(); length += step()) {
            expect_found(name, Bytes(content.begin(), content.begin() + static_cast<long>(length)),
                         "cut to " + std::to_string(length));
        }
    }
}

TEST_P(ObjectDamage, GrownAtTheEndOrTheFront) {
    for (const auto& [name, content] : healthy_) {
        Bytes longer = content;
        longer.push_back(0);
        expect_found(name, longer, "with a zero at its end");
        longer.insert(longer.end(), content.begin(), content.end());
        expect_found(name, longer, "twice");
        Bytes shifted = content;
        shifted.insert(shifted.begin(), 0);
        expect_found(name, shifted, "with a zero in front");
    }
}

TEST_P(ObjectDamage, InThePlaceOfEachOther) {
    for (const auto& [name, content] : healthy_) {
        for (const auto& [other, other_content] : healthy_) {
            if (name != other && content != other_content) {
                expect_found(name, other_content, "replaced by " + other);
            }
        }
    }
}

TEST_P(ObjectDamage, Removed) {
    for (const auto& [name, content] : healthy_) {
        const ObjectName object(name);
        disk_.remove(object, {});
        const std::size_t restored = expect_never_wrong(name + " removed");
        if (name.starts_with("packs/")) {
            EXPECT_TRUE(is_told(name)) << name;
            EXPECT_LT(restored, contents_.size()) << name << " is needed by no snapshot";
        } else if (name.starts_with("runs/") || name.starts_with("indexes/")) {
            EXPECT_EQ(restored, contents_.size()) << name << " is not needed to restore";
        } else {
            EXPECT_LT(restored, contents_.size()) << name;
        }
        ASSERT_EQ(disk_.put(object, content, {}), PutResult::created);
    }
    EXPECT_EQ(expect_never_wrong("all back"), contents_.size());
}

}  // namespace
}  // namespace dbbackup
