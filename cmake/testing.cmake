# db_backup_test(NAME name SOURCES file... [USES module...] [LINKS target...] [LABELS label...]
#                [TIMEOUT seconds] [SERVERS name...])
#
# One GoogleTest program `test_NAME`; every TEST in it becomes a ctest entry that carries the labels
# and NAME, and fails after TIMEOUT (300). The label `long` keeps a test out of `scripts/dev test`; `scripts/dev long` runs it.
# SERVERS are started before (db_backup_test_server); without them the tests fail.
include(GoogleTest)
find_package(GTest REQUIRED)
# The system's Python, which has the system's pytest; another one may stand before it in the PATH.
find_program(DB_BACKUP_PYTHON python3 HINTS /usr/bin NO_DEFAULT_PATH DOC "a Python 3 with pytest")
if(NOT DB_BACKUP_PYTHON)
  find_program(DB_BACKUP_PYTHON python3 REQUIRED)
endif()

# The programs that run several threads: what the preset `tsan` builds and runs. Stores have one way to
# be called by several, whatever server answers.
set(DB_BACKUP_THREADED_TESTS "^(pipeline|archive|repository|storage|engine|conformance_(storage|postgres))")
add_custom_target(threaded_tests)

function(db_backup_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "SOURCES;USES;LINKS;LABELS;SERVERS" ${ARGN})
  set(target test_${ARG_NAME})
  set(labels ${ARG_NAME} ${ARG_LABELS})
  add_executable(${target} ${ARG_SOURCES})
  list(TRANSFORM ARG_USES PREPEND db_backup_)
  target_link_libraries(${target} PRIVATE ${ARG_USES} ${ARG_LINKS} db_backup_warnings
                        GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  db_backup_precompile(${target} TESTS)
  if(ARG_NAME MATCHES "${DB_BACKUP_THREADED_TESTS}")
    add_dependencies(threaded_tests ${target})
    list(APPEND labels threaded)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  # gtest_discover_tests() takes one label only: it splits a list into further properties.
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake)
  set(properties "LABELS \"${labels}\"")
  if(ARG_SERVERS)
    string(APPEND properties " FIXTURES_REQUIRED \"${ARG_SERVERS}\""
           " ENVIRONMENT \"DB_BACKUP_TEST_SERVERS=${CMAKE_BINARY_DIR}/servers\"")
  endif()
  file(WRITE ${file} "if(DEFINED ${target}_TESTS)\n"
       "  set_tests_properties(\${${target}_TESTS} PROPERTIES ${properties})\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${file})
endfunction()
