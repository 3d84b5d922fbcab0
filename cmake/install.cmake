# What `./dev install` puts below the prefix beside the binary, its task scripts and its modules
# (those are in runtime).
include(GNUInstallDirs)
install(FILES ${PROJECT_SOURCE_DIR}/runtime/include/mooncrew.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
