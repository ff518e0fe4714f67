# What can be chosen when configuring, and the flags every target of the project is built with.

option(DB_BACKUP_TESTS "build the tests" ON)
option(DB_BACKUP_FUZZ "build the fuzz targets (Clang only)" OFF)
option(DB_BACKUP_COVERAGE "instrument for line coverage (GCC only)" OFF)
set(DB_BACKUP_SANITIZE "" CACHE STRING "sanitizers, as in -fsanitize=, for example address,undefined")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# ccache and mold only make builds shorter, so their absence is no error. Paths below the project
# are hashed relative to it, so that a second clone finds what the first one compiled.
find_program(DB_BACKUP_CCACHE ccache)
if(DB_BACKUP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros
      ${DB_BACKUP_CCACHE})
endif()
find_program(DB_BACKUP_MOLD mold)
if(DB_BACKUP_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# For our own targets only: generated protobuf code does not meet these.
add_library(db_backup_warnings INTERFACE)
target_compile_options(db_backup_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wcast-qual -Wformat=2 -Wundef -Werror
  # GCC 12 sees overlapping or endless copies in std::string that are none (GCC bugs 105329, 105651). The
  # latter only when it optimises most; the other trees keep those warnings.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-array-bounds;-Wno-stringop-overflow>"
  # std::stable_sort of GCC 12's library calls a function that the same library deprecates.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)

add_compile_options(-fstack-protector-strong)
# ccache asks for these where headers are precompiled.
add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
                    "$<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang -fno-pch-timestamp>")
add_link_options(-Wl,-z,relro,-z,now)
if(DB_BACKUP_SANITIZE)
  add_compile_options(-fsanitize=${DB_BACKUP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DB_BACKUP_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports variables as uninitialised that its own instrumentation hides from it.
    target_compile_options(db_backup_warnings INTERFACE -Wno-maybe-uninitialized)
    if(DB_BACKUP_SANITIZE MATCHES "thread")
      # It does not model fences; ours order what other processes write, which it does not see.
      target_compile_options(db_backup_warnings INTERFACE -Wno-tsan)
    endif()
  endif()
else()
  # The sanitizers bring their own, stricter copies of what these check.
  add_compile_options($<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
endif()
# Debug, which every preset but `release` uses: bounds checks in the standard library, asserts.
add_compile_options($<$<CONFIG:Debug>:-D_GLIBCXX_ASSERTIONS>)

if(DB_BACKUP_COVERAGE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "DB_BACKUP_COVERAGE needs GCC: the report reads gcov's files")
  endif()
  # With -pthread GCC counts atomically (its manual, -fprofile-update); ccache does not know that option by name.
  add_compile_options(--coverage -pthread)
  add_link_options(--coverage)
else()
  # __FILE__ and debug information name files relative to the project, not to this machine.
  add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
endif()
if(DB_BACKUP_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "DB_BACKUP_FUZZ needs Clang: the fuzz targets use libFuzzer")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
