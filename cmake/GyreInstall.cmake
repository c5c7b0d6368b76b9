# What `cmake --install` installs. Three components: gyre_library (what programs need to run), gyre_development (what
# they need to be built) and gyre_program (the program, its manual and the shipped model).
# SPDX-License-Identifier: Apache-2.0
#
# All of it can be moved: nothing that is installed holds the folder it was built or installed in.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gyre)

# The library of one kind, and its target gyre::gyre in a file of its own: both kinds can be installed together.
function(gyre_install_library target)
    get_target_property(type ${target} TYPE)
    set(kind shared)
    if(type STREQUAL "STATIC_LIBRARY")
        set(kind static)
    endif()
    install(TARGETS ${target} EXPORT gyre-${kind}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT gyre_library
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT gyre_library NAMELINK_COMPONENT gyre_development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT gyre_development)
    install(EXPORT gyre-${kind} NAMESPACE gyre:: DESTINATION ${package_dir} COMPONENT gyre_development)
endfunction()

gyre_install_library(gyre)
if(TARGET gyre_static)
    gyre_install_library(gyre_static)
endif()
install(DIRECTORY include/gyre DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT gyre_development
    FILES_MATCHING PATTERN *.h PATTERN *.hpp)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT gyre_development)

# What a linker has to be told to link the static library into a program in C.
set(GYRE_LINKED_PACKAGES "utf8proc ZLIB")
set(GYRE_PRIVATE_LIBS utf8proc z)
if(GYRE_BUNDLED_DEPS OR GYRE_BUNDLED_DEPS_DIR)  # they are in the library
    set(GYRE_LINKED_PACKAGES "")
    set(GYRE_PRIVATE_LIBS "")
endif()
list(APPEND GYRE_PRIVATE_LIBS ${GYRE_CXX_RUNTIME} ${CMAKE_DL_LIBS})
list(TRANSFORM GYRE_PRIVATE_LIBS REPLACE "^([^-].*)$" "-l\\1")
list(APPEND GYRE_PRIVATE_LIBS ${CMAKE_THREAD_LIBS_INIT})
list(JOIN GYRE_PRIVATE_LIBS " " GYRE_PRIVATE_LIBS)

# gyre.pc finds the rest from where it lies, but in /usr, where everybody else's names are plain.
file(RELATIVE_PATH GYRE_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(PREPEND GYRE_PC_PREFIX "\${pcfiledir}/")
string(REGEX REPLACE "/$" "" GYRE_PC_PREFIX "${GYRE_PC_PREFIX}")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(GYRE_PC_PREFIX /usr)
endif()
cmake_path(APPEND GYRE_PC_LIBDIR "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND GYRE_PC_INCLUDEDIR "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
configure_file(cmake/gyre.pc.in gyre.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gyre.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT gyre_development)

configure_package_config_file(cmake/gyreConfig.cmake.in gyreConfig.cmake INSTALL_DESTINATION ${package_dir})
# 0.x may break with each minor version, and so may what comes later: the same minor version it is.
write_basic_package_version_file(gyreConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gyreConfig.cmake ${PROJECT_BINARY_DIR}/gyreConfigVersion.cmake
    cmake/Findutf8proc.cmake DESTINATION ${package_dir} COMPONENT gyre_development)

if(NOT GYRE_BUILD_APPS)
    return()
endif()
install(TARGETS gyre_program DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT gyre_program)
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/gyre/models COMPONENT gyre_program)
install(FILES apps/gyre/gyre.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT gyre_program)
install(FILES apps/gyre/completions/gyre.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    COMPONENT gyre_program RENAME gyre)
install(FILES apps/gyre/completions/_gyre DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
    COMPONENT gyre_program)
install(FILES apps/gyre/completions/gyre.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
    COMPONENT gyre_program)
