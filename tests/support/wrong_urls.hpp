#pragma once

/// @file
/// Repository URLs that a store cannot mean.

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>

namespace dbbackup {

/// Each is refused, and it is said what to write instead.
inline void expect_wrong_urls(std::initializer_list<const char*> urls,
                              const std::function<void(const std::string&)>& place_of) {
    for (const char* url : urls) {
        try {
            place_of(url);
            ADD_FAILURE() << url;
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), "bad_repository_url") << url;
            EXPECT_FALSE(error.hint().empty()) << url;
        }
    }
}

}  // namespace dbbackup
