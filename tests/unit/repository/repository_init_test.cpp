#include "base/error.hpp"
#include "repository/config_object.hpp"
#include "repository_place.hpp"
#include "support/faulty_storage.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

std::string init_problem(Storage& storage, Encryption encryption = Encryption::keyfile) {
    try {
        make_repository(storage, encryption);
        return "";
    } catch (const Error& error) {
        return error.code();
    }
}

TEST(RepositoryInit, LeavesOneConfigAndOneKeySlot) {
    MemoryStorage disk;
    EXPECT_EQ(init_problem(disk), "");
    std::vector<std::string> names;
    for (const auto& [name, content] : disk.contents()) {
        names.push_back(name.substr(0, 5));
    }
    EXPECT_EQ(names, (std::vector<std::string>{"confi", "keys/"})) << "the probe was left behind";
    MemoryStorage unencrypted;
    EXPECT_EQ(init_problem(unencrypted, Encryption::none), "");
    EXPECT_EQ(unencrypted.contents().size(), 1U);
}

TEST(RepositoryInit, RefusesToMakeASecondOne) {
    MemoryStorage disk;
    EXPECT_EQ(init_problem(disk), "");
    const auto before = disk.contents();
    EXPECT_EQ(init_problem(disk), "repository_exists");
    EXPECT_EQ(disk.contents(), before);
}

TEST(RepositoryInit, OfTwoAtOnceOneWins) {
    MemoryStorage disk;
    Faults faults;
    faults.before = [&disk](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.name == "config") {
            make_repository(disk, Encryption::keyfile);
        }
    };
    FaultyStorage slower(disk, faults);
    EXPECT_EQ(init_problem(slower), "repository_exists");
    EXPECT_NO_THROW(static_cast<void>(open_repository(disk)));
    const VerifyReport report = verify(disk, VerifyDepth::data);
    for (const Finding& finding : report.findings) {
        EXPECT_TRUE(finding.is_harmless) << findings_text(report);
    }
}

TEST(RepositoryInit, RefusesAPlaceThatHoldsOtherThings) {
    for (const char* name : {"holiday/photo.jpg", "packs/ab/cd", "manifests/a/b"}) {
        MemoryStorage disk;
        disk.put(ObjectName(name), as_bytes("x"), {});
        EXPECT_EQ(init_problem(disk), "target_not_empty") << name;
        EXPECT_EQ(disk.contents().size(), 1U);
    }
}

TEST(RepositoryInit, GoesOnWhereAnotherOneWasInterrupted) {
    MemoryStorage disk;
    disk.put(ObjectName("runs/0123/probe"), as_bytes("first"), {});
    disk.put(ObjectName("keys/0123"),
             encode_key_slot({std::string(32, '9'),
                              wrap_key(Secret(Bytes(32, 1)), KeySlotKind::key_file, sample_key(),
                                       as_bytes(std::string(32, '9'))),
                              "then", "host"}),
             {});
    EXPECT_EQ(init_problem(disk), "");
    EXPECT_NO_THROW(static_cast<void>(open_repository(disk)));
    for (const Finding& finding : verify(disk, VerifyDepth::data).findings) {
        EXPECT_TRUE(finding.is_harmless) << finding.object << ": " << finding.problem;
    }
}

/// A store that replaces objects, as an object store without conditional writes does.
class ReplacingStorage final : public FaultyStorage {
public:
    enum class Answer : std::uint8_t { created, exists };
    ReplacingStorage(Storage& inner, Answer answer)
        : FaultyStorage(inner, {}), inner_(inner), answer_(answer) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override {
        const bool is_new = !inner_.size_bytes(name, stop);
        inner_.remove(name, stop);
        inner_.put(name, content, stop);
        return is_new || answer_ == Answer::created ? PutResult::created : PutResult::exists;
    }

private:
    Storage& inner_;
    Answer answer_;
};

TEST(RepositoryInit, RefusesAStoreThatReplacesObjects) {
    for (const auto answer :
         {ReplacingStorage::Answer::created, ReplacingStorage::Answer::exists}) {
        MemoryStorage disk;
        ReplacingStorage storage(disk, answer);
        EXPECT_EQ(init_problem(storage), "store_unsafe");
        EXPECT_EQ(disk.contents().size(), 0U) << "something was left behind";
    }
}

TEST(RepositoryInit, RefusesAStoreThatKeepsTheFirstAndSaysOtherwise) {
    MemoryStorage disk;
    Faults faults;
    faults.read = [](const StorageCall& call, Bytes& content) {
        if (call.name.ends_with("/probe")) {
            content.clear();
        }
    };
    FaultyStorage storage(disk, faults);
    EXPECT_EQ(init_problem(storage), "store_unsafe");
}

TEST(RepositoryInit, APassphraseOpensItAndAnotherDoesNot) {
    MemoryStorage disk;
    const FakeClock clock;
    Repository::init(disk, {Encryption::passphrase, Secret("correct horse")}, clock, {});
    const auto open = [&disk](const char* passphrase) {
        Unlock unlock;
        unlock.passphrase = [passphrase] { return std::optional(Secret(passphrase)); };
        unlock.expects_encryption = true;
        Log log;
        return Repository::open(disk.handle(), unlock, {}, log, {});
    };
    EXPECT_TRUE(open("correct horse")->is_encrypted());
    EXPECT_THROW(static_cast<void>(open("battery staple")), WrongKeyError);
}

TEST(RepositoryInit, AConfiguredKeyRefusesAnUnencryptedRepository) {
    MemoryStorage disk;
    make_repository(disk, Encryption::none);
    Unlock unlock = sample_unlock();
    unlock.expects_encryption = true;
    Log log;
    EXPECT_THROW(static_cast<void>(Repository::open(disk.handle(), unlock, {}, log, {})),
                 WrongKeyError);
}

}  // namespace
}  // namespace dbbackup
