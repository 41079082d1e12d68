# cmake --install, and cpack for a Debian package. The program is in bin, not in sbin: of its commands only serve and
# admin and key are for the system's keeper; check, explain, token and audit are for everybody who writes policies or reads the book.
include(GNUInstallDirs)
set(packaging ${PROJECT_SOURCE_DIR}/agent/packaging)

# Whatever the modes of the checkout are.
set(programs_mode OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${programs_mode})

install(TARGETS haward RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/schema DESTINATION ${CMAKE_INSTALL_DATADIR}/haward)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/haproxy-examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  PATTERN "run.sh" PERMISSIONS ${programs_mode}
  PATTERN "make-*.sh" PERMISSIONS ${programs_mode})
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${packaging}/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${packaging}/sysusers.conf DESTINATION lib/sysusers.d RENAME haward.conf)
install(FILES ${packaging}/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME haward.conf)

# compressed SOURCE NAME DESTINATION: gzipped while building, as Debian wants pages and changelogs
find_program(GZIP_PROGRAM gzip REQUIRED)
set(compressed_files "")
function(compressed source name destination)
  set(made ${PROJECT_BINARY_DIR}/packaging/${name}.gz)
  add_custom_command(OUTPUT ${made}
    COMMAND ${GZIP_PROGRAM} -9nc ${source} > ${made}
    DEPENDS ${source} COMMENT "" VERBATIM)
  set(compressed_files ${compressed_files} ${made} PARENT_SCOPE)
  install(FILES ${made} DESTINATION ${destination})
endfunction()

file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/packaging)
file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${packaging}/man ${packaging}/man/*.[158])
foreach(page IN LISTS pages)
  string(REGEX MATCH "[158]$" number ${page})
  compressed(${packaging}/man/${page} ${page} ${CMAKE_INSTALL_MANDIR}/man${number})
endforeach()
compressed(${packaging}/debian/changelog changelog ${CMAKE_INSTALL_DOCDIR})
add_custom_target(packaging_files ALL DEPENDS ${compressed_files})

# The unit names paths under the prefix, which is known only when installing: cpack has its own.
set(HAWARD_PACKAGING_DIR ${packaging})
configure_file(${CMAKE_CURRENT_LIST_DIR}/InstallService.cmake.in ${PROJECT_BINARY_DIR}/packaging/InstallService.cmake @ONLY)
install(SCRIPT ${PROJECT_BINARY_DIR}/packaging/InstallService.cmake)

set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/PackageModes.cmake)
set(CPACK_PACKAGE_NAME haward)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Haward maintainers <maintainers@haward.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "authentication, authorization and accounting agent for HAProxy")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Haward decides each request that HAProxy asks it about, over SPOP, and keeps
the book: who did what, when, to which service, and how it ended. Users come
with OAuth 2.0 or OIDC tokens, workloads with mutual TLS and SPIFFE IDs;
policies are written in the vocabulary of Istio's AuthorizationPolicy.

Decisions are chained by hash, joined with the outcomes that HAProxy logs, and
searched in a dashboard that is part of the program. Without an allowing
verdict nothing passes.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles, ca-certificates, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS haproxy)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm ${packaging}/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
