/// @file
/// Uploads of several blocks against a server that answers as Azure documents it, and as it rarely
/// does.

#include "base/error.hpp"
#include "base/units.hpp"
#include "crypto/base64.hpp"
#include "crypto/md5.hpp"
#include "storage/azure/azure_storage.hpp"
#include "support/upload_test.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

const Bytes kLarge(8_MiB + 1'000, 0x5a);
constexpr const char* kMark = "x-ms-meta-dbbackupupload";

/// A container for one blob. Threads of the server use it, one at a time.
struct Container {
    std::map<std::string, std::string> blocks;
    std::optional<std::string> mark;  ///< Of the blob; nothing: there is none.
    std::string content;
};

HttpAnswer refusal(int status, const std::string& code) {
    return {status, {{"x-ms-error-code", code}}, ""};
}

/// What one request is, in a word.
std::string kind_of(const SeenRequest& request) {
    if (request.target.find("comp=blocklist") != std::string::npos) {
        return "list";
    }
    if (request.target.find("comp=block") != std::string::npos) {
        return "block";
    }
    return request.method == "HEAD" ? "head" : "put";
}

/// The name of a block, as the query has it and as the list has it.
std::string block_id(const SeenRequest& request) {
    const std::size_t begin = request.target.find("blockid=") + 8;
    std::string id = request.target.substr(begin, request.target.find('&', begin) - begin);
    for (const auto& [coded, plain] : {std::pair{"%2B", "+"}, {"%2F", "/"}, {"%3D", "="}}) {
        for (std::size_t at = id.find(coded); at != std::string::npos; at = id.find(coded)) {
            id.replace(at, 3, plain);
        }
    }
    return id;
}

HttpAnswer answer_of(Container& container, const SeenRequest& request) {
    const std::string kind = kind_of(request);
    if (kind == "head") {
        return container.mark ? HttpAnswer{200, {{kMark, *container.mark}}} : HttpAnswer{404};
    }
    if (kind == "block") {
        container.blocks[block_id(request)] = request.body;
        return {201};
    }
    if (container.mark) {
        return refusal(409, "BlobAlreadyExists");
    }
    std::string content = kind == "put" ? request.body : "";
    constexpr std::string_view kBegin = "<Uncommitted>";
    for (std::size_t at = request.body.find(kBegin); kind == "list" && at != std::string::npos;
         at = request.body.find(kBegin, at + 1)) {
        const std::size_t begin = at + kBegin.size();
        const auto block = container.blocks.find(
            request.body.substr(begin, request.body.find('<', begin) - begin));
        if (block == container.blocks.end()) {
            return refusal(400, "InvalidBlockList");
        }
        content += block->second;
    }
    container.content = std::move(content);
    container.blocks.clear();
    container.mark = request.headers.at(kMark);
    return {201};
}

class AzureUploadTest : public UploadTest<Container> {
protected:
    AzureUploadTest() : UploadTest(kind_of, answer_of) {}

    std::unique_ptr<Storage> store() override {
        const auto variable = [](const char* name) -> std::optional<std::string> {
            return std::string_view(name) == "AZURE_STORAGE_KEY"
                       ? std::optional<std::string>("YWI=")
                       : std::nullopt;
        };
        const std::string url =
            fmt::format("az://backups/p?endpoint={}&account=shop", server_.url());
        return make_azure_storage(StorageUrl::parse(url), variable, clock_);
    }
};

TEST_F(AzureUploadTest, SendsBlocksWithTheirHashesAndListsThemOnACondition) {
    EXPECT_EQ(upload(kLarge), PutResult::created);
    EXPECT_EQ(kinds(), "block block list");
    EXPECT_TRUE(held().content == as_text(kLarge));
    const std::vector<SeenRequest> seen = server_.seen();
    EXPECT_EQ(seen[0].headers.at("content-md5"), to_base64(md5(BytesView(kLarge).first(8_MiB))));
    EXPECT_EQ(block_id(seen[0]).size(), block_id(seen[1]).size());
    EXPECT_EQ(seen[2].headers.at("if-none-match"), "*");
}

TEST_F(AzureUploadTest, PutsWhatFitsIntoOneBlock) {
    EXPECT_EQ(upload(BytesView(kLarge).first(8_MiB)), PutResult::created);
    EXPECT_EQ(kinds(), "put");
    EXPECT_EQ(server_.seen()[0].headers.at("if-none-match"), "*");
}

TEST_F(AzureUploadTest, NamesBlocksAsNoOtherWriterDoes) {
    for (int writer = 0; writer < 2; ++writer) {
        const std::unique_ptr<Storage> storage = open();
        storage->begin_upload(name_, {})->write(kLarge, {});
    }
    EXPECT_EQ(held().blocks.size(), 2U);
}

/// Each request once, answered by what passes, before and after it was carried out; the faults take
/// turns.
TEST_F(AzureUploadTest, GetsThroughFaultsOfEachRequest) {
    const std::vector<HttpAnswer> faults = {lost(), refusal(500, "InternalError"),
                                            refusal(503, "ServerBusy"), HttpAnswer{429}};
    std::size_t turn = 0;
    for (const auto& [kind, nth] : {std::pair{"block", 1}, {"block", 2}, {"list", 1}}) {
        for (const bool is_carried_out : {false, true}) {
            const HttpAnswer& fault = faults[turn++ % faults.size()];
            SCOPED_TRACE(fmt::format("{} {} {} {}", kind, nth, fault.status, is_carried_out));
            prepare([](Container& container) { container = {}; });
            fail_once({kind, nth, fault, is_carried_out});
            ASSERT_EQ(upload(kLarge), PutResult::created);
            EXPECT_TRUE(held().content == as_text(kLarge));
        }
    }
}

TEST_F(AzureUploadTest, KnowsItsOwnObjectAfterALostAnswer) {
    fail_once({"put", 1, lost(), true});
    EXPECT_EQ(upload(as_bytes("small")), PutResult::created);
    EXPECT_EQ(kinds(), "put put head");
    EXPECT_EQ(upload(as_bytes("small")), PutResult::exists) << "that one is another's";
}

TEST_F(AzureUploadTest, NeverTakesTheObjectOfAnotherForItsOwn) {
    for (const auto& [status, code] : {std::pair{409, "BlobAlreadyExists"},
                                       {412, "ConditionNotMet"},
                                       {403, "UnauthorizedBlobOverwrite"},
                                       {400, "InvalidBlockList"}}) {
        SCOPED_TRACE(code);
        prepare([](Container& container) { container.mark = "of another"; });
        fail_once({"list", 1, refusal(status, code), false});
        EXPECT_EQ(upload(kLarge), PutResult::exists);
        EXPECT_EQ(held().mark, "of another");
    }
}

TEST_F(AzureUploadTest, IsNotHeldUpByTheBlocksOfAnother) {
    for (const std::string_view content : {"small", ""}) {
        prepare([](Container& container) { container = {}; });
        fail_once({"put", 1, refusal(409, "BlobAlreadyExists"), false});
        EXPECT_EQ(upload(as_bytes(content)), PutResult::created);
        EXPECT_EQ(held().content, content);
    }
}

TEST_F(AzureUploadTest, SaysThatItsBlocksAreGone) {
    const std::unique_ptr<Storage> storage = open();
    const std::unique_ptr<Upload> upload = storage->begin_upload(name_, {});
    upload->write(kLarge, {});
    prepare([](Container& container) { container.blocks.clear(); });
    try {
        upload->commit({});
        FAIL() << "there are no blocks";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "upload_ended");
        EXPECT_EQ(error.retry(), Retry::never);
    }
    EXPECT_FALSE(held().mark);
}

TEST_F(AzureUploadTest, SaysWhichPermissionItLacks) {
    for (const auto& [content, permission] :
         {std::pair{BytesView(kLarge), "w (write)"}, {BytesView(kLarge).first(10), "c (create)"}}) {
        for (const char* kind : {"put", "block", "list"}) {
            prepare([](Container& container) { container = {}; });
            fail_once({kind, 1, refusal(403, "AuthorizationPermissionMismatch"), false});
            try {
                upload(content);
            } catch (const StorageError& error) {
                EXPECT_EQ(error.code(), "access_denied");
                EXPECT_NE(error.hint().find(permission), std::string::npos) << error.hint();
            }
        }
    }
}

}  // namespace
}  // namespace dbbackup
