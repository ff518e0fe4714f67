#pragma once

/// @file
/// Another time zone for the length of a test.

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace dbbackup {

/// Sets TZ while it lives. For tests of one thread. A zone in the notation of POSIX, such as
/// "CET-1CEST,M3.5.0,M10.5.0/3", needs no files of the machine.
class TestZone {
public:
    explicit TestZone(const char* zone) {
        if (const char* before = std::getenv("TZ")) {
            before_ = before;
        }
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
    ~TestZone() {
        if (before_) {
            ::setenv("TZ", before_->c_str(), 1);
        } else {
            ::unsetenv("TZ");
        }
        ::tzset();
    }
    TestZone(const TestZone&) = delete;
    TestZone& operator=(const TestZone&) = delete;

private:
    std::optional<std::string> before_;
};

}  // namespace dbbackup
