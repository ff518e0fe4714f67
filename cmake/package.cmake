# The Debian package: `cpack --config build/release/CPackConfig.cmake`, or `cpack -G DEB` there.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME db-backup)
set(CPACK_PACKAGE_CONTACT "db-backup maintainers <maintainers@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION "Backups of PostgreSQL and SQLite databases read and store only what changed
since the last one, and each of them restores like a full one: there are no
chains. Repositories are compressed and encrypted, on local disk, S3, Google
Cloud Storage or Azure Blob, and many hosts may share one.
.
Schedules, retention, notifications, metrics for Prometheus and a service for
systemd are included.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_INSTALL_CMAKE_PROJECTS
    "${PROJECT_BINARY_DIR};db-backup;program;/" "${PROJECT_BINARY_DIR};db-backup;service;/")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The zones of schedules are the system's; the user of the service is made by adduser.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, postgresql-client")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus-node-exporter")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "")
foreach(file conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/${file})
endforeach()
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/package_date.cmake
     CONTENT "set(ENV{SOURCE_DATE_EPOCH} ${DB_BACKUP_EPOCH})\n")
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_BINARY_DIR}/package_date.cmake)
include(CPack)
