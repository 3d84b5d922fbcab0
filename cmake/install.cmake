# What `./dev install` puts below the prefix beside the binary, its task scripts and its modules
# (those are in runtime).
include(GNUInstallDirs)
install(FILES ${PROJECT_SOURCE_DIR}/runtime/include/mooncrew.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Its page of the manual, what completes its arguments in shells, and the annotated sources of the
# module for the Lua language server. zsh looks for what Debian's packages bring in a folder of
# its own.
set(share ${PROJECT_SOURCE_DIR}/share)
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
  set(zsh_dir zsh/vendor-completions)
else()
  set(zsh_dir zsh/site-functions)
endif()
install(FILES ${share}/man/mooncrew.1
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT command)
install(FILES ${share}/completion/mooncrew.bash RENAME mooncrew
  DESTINATION share/bash-completion/completions COMPONENT command)
install(FILES ${share}/completion/_mooncrew DESTINATION share/${zsh_dir} COMPONENT command)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lua/mooncrew DESTINATION share/mooncrew/lua
  COMPONENT command FILES_MATCHING PATTERN "*.lua")
