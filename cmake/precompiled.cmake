# db_backup_precompile(TARGET [TESTS])
#
# The headers of the standard library, fmt and (TESTS) GoogleTest are most of what a file costs to compile.
# They are parsed once, for all targets. This is no reason not to include what a file uses: the tree `tidy`
# does without, and reports what is missing.
# A file that Clang precompiled names its sources by absolute paths: what ccache keeps of it serves no other
# clone, so the tree `asan` does without, too.
option(DB_BACKUP_PRECOMPILE "parse the headers that most files include only once" ON)

set(DB_BACKUP_PRECOMPILED_HEADERS
    <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <filesystem> <functional> <map> <memory>
    <mutex> <optional> <set> <span> <stop_token> <string> <string_view> <thread> <unordered_map> <utility> <vector>
    <fmt/format.h>)

function(db_backup_precompile target)
  if(NOT DB_BACKUP_PRECOMPILE)
    return()
  endif()
  if("TESTS" IN_LIST ARGN)
    set(precompiled db_backup_precompiled_tests)
  else()
    set(precompiled db_backup_precompiled)
  endif()
  if(NOT TARGET ${precompiled})
    set(source ${PROJECT_BINARY_DIR}/${precompiled}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "int main() {}  // Carries the precompiled headers.\n")
    if("TESTS" IN_LIST ARGN)
      # The same kind of target, because programs and libraries are compiled with other flags.
      add_executable(${precompiled} ${source})
      target_link_libraries(${precompiled} PRIVATE GTest::gtest GTest::gmock)
      target_precompile_headers(${precompiled} PRIVATE <gtest/gtest.h> <gmock/gmock.h>)
    else()
      add_library(${precompiled} STATIC ${source})
    endif()
    target_link_libraries(${precompiled} PRIVATE fmt::fmt db_backup_warnings)
    target_precompile_headers(${precompiled} PRIVATE ${DB_BACKUP_PRECOMPILED_HEADERS})
  endif()
  # The macros of the command line have to be the same for both.
  target_link_libraries(${target} PRIVATE fmt::fmt)
  target_precompile_headers(${target} REUSE_FROM ${precompiled})
endfunction()
