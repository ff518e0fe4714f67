#pragma once

/// @file
/// What the tests of every cloud store's uploads share: a server that holds one object and one
/// upload of it, and answers one request as servers rarely do.

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "storage/retrying_storage.hpp"
#include "support/http_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace dbbackup {

/// @tparam Held What the server holds. Threads of the server use it, one at a time.
template <class Held>
class UploadTest : public testing::Test {
protected:
    using KindOf = std::string (*)(const SeenRequest&);
    using AnswerOf = HttpAnswer (*)(Held&, const SeenRequest&);

    /// @param kind_of What a request is, in a word. @param answer_of Carries it out.
    UploadTest(KindOf kind_of, AnswerOf answer_of) : kind_of_(kind_of), answer_of_(answer_of) {}

    /// The store under test, at `server_`.
    virtual std::unique_ptr<Storage> store() = 0;

    /// As the program wraps it, without waits.
    std::unique_ptr<Storage> open() {
        RetryEnvironment environment = RetryEnvironment::system();
        environment.wait = [](std::chrono::milliseconds, const std::stop_token&) {};
        return std::make_unique<RetryingStorage>(store(), RetryPolicy{}, environment);
    }

    PutResult upload(BytesView content) {
        const std::unique_ptr<Storage> storage = open();
        const std::unique_ptr<Upload> upload = storage->begin_upload(name_, {});
        upload->write(content, {});
        return upload->commit({});
    }

    /// The requests, in words.
    std::string kinds() const {
        std::string text;
        for (const SeenRequest& request : server_.seen()) {
            text += (text.empty() ? "" : " ") + kind_of_(request);
        }
        return text;
    }

    Held held() const {
        return held_.with([](const Held& held) { return held; });
    }
    void prepare(const std::function<void(Held&)>& change) { held_.with(change); }

    /// The nth request of a kind, from 1 on, is answered by this, carried out or not.
    struct Fault {
        std::string kind;
        int countdown = 0;
        HttpAnswer answer;
        bool is_carried_out = false;
    };
    void fail_once(Fault fault) {
        fault_.with([&](Fault& next) { next = std::move(fault); });
    }

private:
    HttpAnswer answer(const SeenRequest& request) {
        const auto fault = fault_.with([&](Fault& next) -> std::optional<Fault> {
            const bool is_it = next.kind == kind_of_(request) && --next.countdown == 0;
            return is_it ? std::optional(next) : std::nullopt;
        });
        if (fault && !fault->is_carried_out) {
            return fault->answer;
        }
        HttpAnswer usual = held_.with([&](Held& held) { return answer_of_(held, request); });
        return fault ? fault->answer : usual;
    }

    KindOf kind_of_;
    AnswerOf answer_of_;
    Guarded<Held> held_;
    Guarded<Fault> fault_;

protected:
    const ObjectName name_{"shop.gz"};
    SystemClock clock_;
    HttpServer server_{[this](const SeenRequest& request) { return answer(request); }};
};

inline HttpAnswer lost() {
    HttpAnswer answer;
    answer.hangs_up = true;
    return answer;
}

}  // namespace dbbackup
