/// @file
/// Every byte of every object of a small repository is changed, one at a time: `verify` of the
/// data must name the object, and a restore gives the right bytes or an error, never wrong ones.
/// One byte of three, unless DB_BACKUP_LONG=1.

#include "crash/small_repository.hpp"

namespace dbbackup {
namespace {

class ByteFlip : public SmallRepository {};

INSTANTIATE_TEST_SUITE_P(Encryptions, ByteFlip,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(ByteFlip, EveryOneIsFoundAndNeverRestored) {
    for (const char* folder : {"config", "indexes/", "manifests/", "packs/", "runs/"}) {
        EXPECT_TRUE(
            std::any_of(healthy_.begin(), healthy_.end(),
                        [&](const auto& object) { return object.first.starts_with(folder); }))
            << "no object of this kind is damaged: " << folder;
    }
    std::size_t flips = 0;
    for (const auto& [text, content] : healthy_) {
        const ObjectName name(text);
        for (std::size_t at = 0; at < content.size(); at += step()) {
            const auto mask = static_cast<std::uint8_t>(1U << (at % 8));
            const auto flip = [&](Bytes& bytes) { bytes.at(at) ^= mask; };
            const std::string what = text + ", byte " + std::to_string(at);
            disk_.damage(name, flip);
            EXPECT_TRUE(is_told(text)) << what;
            expect_never_wrong(what);
            disk_.damage(name, flip);
            ++flips;
        }
    }
    EXPECT_GT(flips * step(), 4'000U) << "the repository is too small to have every kind of object";
    EXPECT_TRUE(verify(disk_, VerifyDepth::data).findings.empty());
}

}  // namespace
}  // namespace dbbackup
