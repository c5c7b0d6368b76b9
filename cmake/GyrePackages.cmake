# CPack: the three components as Debian packages, and everything as one archive. scripts/package makes both.
# SPDX-License-Identifier: Apache-2.0

set(GYRE_PACKAGE_CONTACT "Gyre maintainers <maintainers@gyre.invalid>" CACHE STRING
    "Who answers for packages: name and address, as Debian writes them")

set(CPACK_PACKAGE_NAME gyre)
set(CPACK_PACKAGE_VENDOR Gyre)
set(CPACK_PACKAGE_CONTACT ${GYRE_PACKAGE_CONTACT})
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # else it is a second first line of Debian's descriptions
set(CPACK_PACKAGE_FILE_NAME gyre-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR TGZ)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL gyre_library gyre_development)
if(GYRE_BUILD_APPS)
    list(APPEND CPACK_COMPONENTS_ALL gyre_program)
endif()

# ---- Debian: libgyre0, libgyre-dev, gyre ------------------------------------------------------------
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/DebianFiles.cmake)
set(this_version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
set(what "Gyre runs transformer language models from GGUF files on any Vulkan device:
phones, integrated GPUs, small boards, desktops, and processors through a
software driver.")

set(CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_NAME libgyre${GYRE_SOVERSION})
set(CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_MULTIARCH same)
set(CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
set(CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_RECOMMENDS "libvulkan1, mesa-vulkan-drivers | vulkan-icd")
set(CPACK_DEBIAN_GYRE_LIBRARY_DESCRIPTION "small language models on Vulkan devices - library
${what}
.
This package has the shared library. It opens the Vulkan loader when a
program first asks for a device.")

set(CPACK_DEBIAN_GYRE_DEVELOPMENT_PACKAGE_NAME libgyre-dev)
set(CPACK_DEBIAN_GYRE_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_GYRE_DEVELOPMENT_PACKAGE_MULTIARCH same)
set(CPACK_DEBIAN_GYRE_DEVELOPMENT_PACKAGE_DEPENDS
    "${CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_NAME} (= ${this_version}), libutf8proc-dev, zlib1g-dev")
# What a C compiler alone has not, and programs in C need that link the static library.
set(CPACK_DEBIAN_GYRE_DEVELOPMENT_PACKAGE_RECOMMENDS libstdc++-dev)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    string(REGEX MATCH "^[0-9]+" cxx_major ${CMAKE_CXX_COMPILER_VERSION})
    string(PREPEND CPACK_DEBIAN_GYRE_DEVELOPMENT_PACKAGE_RECOMMENDS "libstdc++-${cxx_major}-dev | ")
endif()
set(CPACK_DEBIAN_GYRE_DEVELOPMENT_DESCRIPTION "small language models on Vulkan devices - development files
${what}
.
This package has the header, the static library, and the files for
pkg-config and CMake.")

set(CPACK_DEBIAN_GYRE_PROGRAM_PACKAGE_NAME gyre)
set(CPACK_DEBIAN_GYRE_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_GYRE_PROGRAM_PACKAGE_MULTIARCH foreign)
set(CPACK_DEBIAN_GYRE_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_GYRE_PROGRAM_PACKAGE_DEPENDS "${CPACK_DEBIAN_GYRE_LIBRARY_PACKAGE_NAME} (= ${this_version})")
set(CPACK_DEBIAN_GYRE_PROGRAM_PACKAGE_RECOMMENDS "mesa-vulkan-drivers | vulkan-icd")
set(CPACK_DEBIAN_GYRE_PROGRAM_DESCRIPTION "small language models on Vulkan devices - program
${what}
.
This package has the program gyre and a small model to try it with.")

include(CPack)
