# What `cmake --install` puts where, in two parts: `program` (below the prefix: the program, its manual
# pages, completions and documents) and `service` (the unit for systemd and the configuration of the
# machine, at the places where they are looked for; only with `--component service`, or in the package).
include(GNUInstallDirs)

option(DB_BACKUP_DOCUMENTS "make the manual pages and completions, by running the program" ON)

# The date of all that is made: that of the newest entry of the Debian changelog, so that the same
# sources give the same bytes. https://reproducible-builds.org/specs/source-date-epoch/
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS packaging/debian/changelog)
file(STRINGS packaging/debian/changelog changelog)
list(GET changelog 0 newest)
if(NOT newest MATCHES "^db-backup \\(${PROJECT_VERSION}\\)")
  message(FATAL_ERROR "packaging/debian/changelog begins with another version than ${PROJECT_VERSION}: ${newest}")
endif()
list(FILTER changelog INCLUDE REGEX "^ -- .*>  ")
list(GET changelog 0 newest)
string(REGEX REPLACE "^ -- .*>  " "" newest "${newest}")
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(DB_BACKUP_EPOCH $ENV{SOURCE_DATE_EPOCH})
else()
  execute_process(COMMAND date -u -d "${newest}" +%s OUTPUT_VARIABLE DB_BACKUP_EPOCH OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
endif()

install(TARGETS db-backup COMPONENT program)
install(FILES packaging/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program
        FILES_MATCHING PATTERN *.md PATTERN *.json PATTERN *.svg)
install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT program)
install(FILES .env.example DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples RENAME env COMPONENT program)
install(FILES packaging/debian/config.yaml DESTINATION /etc/db-backup COMPONENT service EXCLUDE_FROM_ALL)
install(FILES packaging/debian/db-backup.service DESTINATION /lib/systemd/system COMPONENT service EXCLUDE_FROM_ALL)

if(NOT DB_BACKUP_DOCUMENTS)
  return()
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(documents ${PROJECT_BINARY_DIR}/documents)
set(pages ${documents}/db-backup.1.gz ${documents}/db-backup.yaml.5.gz)
add_custom_command(
  OUTPUT ${pages}
  COMMAND ${Python3_EXECUTABLE} packaging/man_pages.py $<TARGET_FILE:db-backup> . ${documents} ${DB_BACKUP_EPOCH}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  DEPENDS db-backup packaging/man_pages.py .env.example docs/exit-codes.md configs/sqlite-encrypted.yaml
  VERBATIM)
add_custom_command(
  OUTPUT ${documents}/changelog.gz
  COMMAND gzip -9nc ${PROJECT_SOURCE_DIR}/packaging/debian/changelog > ${documents}/changelog.gz
  DEPENDS packaging/debian/changelog)
set(completions "")
foreach(shell bash zsh fish)
  add_custom_command(
    OUTPUT ${documents}/completion.${shell}
    COMMAND db-backup completion ${shell} > ${documents}/completion.${shell}
    DEPENDS db-backup)
  list(APPEND completions ${documents}/completion.${shell})
endforeach()
file(MAKE_DIRECTORY ${documents})
add_custom_target(documents ALL DEPENDS ${pages} ${documents}/changelog.gz ${completions})

install(FILES ${documents}/db-backup.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${documents}/db-backup.yaml.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT program)
install(FILES ${documents}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(FILES ${documents}/completion.bash DESTINATION share/bash-completion/completions RENAME db-backup COMPONENT program)
install(FILES ${documents}/completion.zsh DESTINATION share/zsh/vendor-completions RENAME _db-backup COMPONENT program)
install(FILES ${documents}/completion.fish DESTINATION share/fish/vendor_completions.d RENAME db-backup.fish COMPONENT program)
