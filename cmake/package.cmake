# The Debian package: `./dev package` builds it with the prefix /usr, for the static library knows
# its helper by that.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mooncrew)
set(CPACK_PACKAGE_VENDOR "The mooncrew authors")
set(CPACK_PACKAGE_CONTACT "The mooncrew authors <mooncrew@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "multiprocessing for Lua over crash-safe shared memory")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "mooncrew runs Lua 5.4 scripts over forked processes that talk through shared memory: processes,
pools, queues, shared tables and locks with the names of Python's multiprocessing.
.
The package has the command, the module for lua5.4, task scripts, and the library for programs
in C and C++ with its header.")
set(CPACK_DEBIAN_PACKAGE_SECTION interpreters)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Libraries that a program is linked with are found by dpkg-shlibdeps; the scripts' modules and what
# is opened on first use are not.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "lua-argparse, lua-dkjson, lua-luv")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, libreadline8")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "liblua5.4-dev, lua5.4, pkg-config")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
include(CPack)
