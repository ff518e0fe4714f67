# db_backup_module(NAME [SOURCES file...] [USES module...] [LINKS target...])
#
# One folder of src/ is one static library `db_backup_NAME` and one layer. USES may only name modules
# that were declared earlier, so the order in src/CMakeLists.txt is the order of the layers.
# tests/tidy reads the graph back (db_backup_write_layers) and refuses an #include of a module that is
# not declared here.
function(db_backup_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LINKS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "db_backup_module(${name}): unknown words: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  foreach(used IN LISTS ARG_USES)
    if(NOT TARGET db_backup_${used})
      message(FATAL_ERROR "layering: module '${name}' may not use '${used}': it is not a lower layer. "
                          "The order of the layers is the order in src/CMakeLists.txt.")
    endif()
  endforeach()
  set(target db_backup_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  set(used_targets ${ARG_USES})
  list(TRANSFORM used_targets PREPEND db_backup_)
  target_link_libraries(${target} PUBLIC ${used_targets} PRIVATE ${ARG_LINKS} db_backup_warnings)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  db_backup_precompile(${target})
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  set_property(GLOBAL APPEND PROPERTY DB_BACKUP_MODULES ${name})
  set_property(GLOBAL PROPERTY DB_BACKUP_FOLDER_${name} ${folder})
  set_property(GLOBAL PROPERTY DB_BACKUP_USES_${name} "${ARG_USES}")
endfunction()

# db_backup_write_layers(FILE)
#
# Writes the declared graph, one line per module, lowest layer first: "name folder: used used ...".
function(db_backup_write_layers file)
  get_property(modules GLOBAL PROPERTY DB_BACKUP_MODULES)
  set(text "")
  foreach(name IN LISTS modules)
    get_property(folder GLOBAL PROPERTY DB_BACKUP_FOLDER_${name})
    get_property(uses GLOBAL PROPERTY DB_BACKUP_USES_${name})
    list(JOIN uses " " uses)
    string(APPEND text "${name} ${folder}: ${uses}\n")
  endforeach()
  file(WRITE ${file} "${text}")
endfunction()
