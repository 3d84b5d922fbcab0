# What `./dev install` puts below the prefix beside the binary and its task scripts (those are in
# runtime/host/CMakeLists.txt).
include(GNUInstallDirs)
if(TARGET mooncrew_module)
  # `require "mooncrew"` in a stock lua5.4
  install(TARGETS mooncrew_module LIBRARY DESTINATION lib/lua/5.4)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/runtime/include/mooncrew.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
