# What Gyre is built on comes from the system's packages, or is built in from sources where a system has none.
#
# GYRE_BUNDLED_DEPS builds all of it in: every find_package() of ours then finds these targets.
#
#   ZLIB::ZLIB, utf8proc (also utf8proc::utf8proc), volk and Vulkan's headers     the library
#   CLI11::CLI11, nlohmann_json::nlohmann_json                                  the program; the second the tests too
#
# GYRE_GTEST_DIR does the same for GoogleTest, which only tests need.

option(GYRE_BUNDLED_DEPS "Build in zlib, utf8proc, volk, Vulkan's headers, CLI11 and nlohmann_json from sources" OFF)
set(GYRE_BUNDLED_DEPS_DIR "" CACHE PATH
    "Folder of their sources, each in a folder of its own, named as in cmake/Dependencies.cmake; empty: downloaded")
set(GYRE_DEBIAN_ARCHIVES https://deb.debian.org/debian https://snapshot.debian.org/archive/debian/20250815T000000Z
    CACHE STRING "Where they are downloaded from: the first archive that has a file with the hash below")
set(GYRE_GTEST_DIR "" CACHE PATH "GoogleTest's sources (Debian: /usr/src/googletest); empty: its package")

# The upstream part of Debian's source packages: folder, file in an archive's pool, SHA-256. volk is a header and a source
# that its package installs as they are.
set(gyre_pinned_sources
    "zlib z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb"
    "utf8proc u/utf8proc/utf8proc_2.8.0.orig.tar.gz a0a60a79fe6f6d54e7d411facbfcc867a6e198608f2cd992490e46f04b1bcecc"
    "volk v/vulkan-volk/libvulkan-volk-dev_1.4.304.0-1_amd64.deb f69b35ca317fbe7ca1c9a47bd6ab61c08e6b37e7e887b64408268ec24cc3b54c"
    "vulkan-headers v/vulkan-loader/vulkan-loader_1.4.309.0.orig.tar.xz 6e37284e5c8ef5f06cef273cc207f0b31cb3b63c1ea2875639e843b01da4e6d7"
    "cli11 c/cli11/cli11_2.4.1+ds.orig.tar.xz 0b8fbf2398875f15f30a675c7f412123a2aaa38df2863e991de72004fd5f1292"
    "json n/nlohmann-json3/nlohmann-json3_3.11.3.orig.tar.gz 0d8ef5af7f9794e3263480193c491549b2ba6cc74bb018906202ada498a79406"
)

# From now on find_package(NAME) is content with the targets that are there.
function(gyre_is_found name)
    string(TOLOWER ${name} name)
    file(WRITE ${CMAKE_FIND_PACKAGE_REDIRECTS_DIR}/${name}-config.cmake "# cmake/Dependencies.cmake has made its targets.\n")
endfunction()

# gyre_sources_of(FOLDER RESULT): sets RESULT to where these sources are.
function(gyre_sources_of folder result)
    if(GYRE_BUNDLED_DEPS_DIR)
        if(NOT IS_DIRECTORY ${GYRE_BUNDLED_DEPS_DIR}/${folder})
            message(FATAL_ERROR "GYRE_BUNDLED_DEPS_DIR: ${GYRE_BUNDLED_DEPS_DIR} has no folder ${folder}")
        endif()
        set(${result} ${GYRE_BUNDLED_DEPS_DIR}/${folder} PARENT_SCOPE)
        return()
    endif()
    foreach(row IN LISTS gyre_pinned_sources)
        if(row MATCHES "^${folder} +([^ ]+) +([0-9a-f]+)$")
            set(file ${CMAKE_MATCH_1})
            set(hash ${CMAKE_MATCH_2})
        endif()
    endforeach()
    list(TRANSFORM GYRE_DEBIAN_ARCHIVES APPEND /pool/main/${file} OUTPUT_VARIABLE urls)
    include(FetchContent)
    set(extract DOWNLOAD_EXTRACT_TIMESTAMP OFF)
    if(file MATCHES "\\.deb$")
        set(extract DOWNLOAD_NO_EXTRACT ON)
    endif()
    # SOURCE_SUBDIR is not there, so that no CMakeLists.txt of theirs is run.
    FetchContent_Declare(gyre_${folder} URL ${urls} URL_HASH SHA256=${hash} SOURCE_SUBDIR none ${extract})
    FetchContent_MakeAvailable(gyre_${folder})
    set(found ${gyre_${folder}_SOURCE_DIR})
    if(file MATCHES "\\.deb$")
        cmake_path(GET file FILENAME name)
        file(ARCHIVE_EXTRACT INPUT ${found}/${name} DESTINATION ${found})
        file(ARCHIVE_EXTRACT INPUT ${found}/data.tar.xz DESTINATION ${found})
        set(found ${found}/usr/include)
    endif()
    set(${result} ${found} PARENT_SCOPE)
endfunction()

# C sources of others: no warnings of ours, and nothing of them is exported.
function(gyre_bundled_library target folder)
    list(TRANSFORM ARGN PREPEND ${folder}/ OUTPUT_VARIABLE sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} SYSTEM PUBLIC ${folder})
    target_compile_options(${target} PRIVATE -w)
    set_target_properties(${target} PROPERTIES C_STANDARD 99 C_EXTENSIONS ON POSITION_INDEPENDENT_CODE ON
        C_VISIBILITY_PRESET hidden)
endfunction()

function(gyre_header_library target folder)
    add_library(${target} INTERFACE)
    target_include_directories(${target} SYSTEM INTERFACE ${folder})
endfunction()

set(GYRE_BUNDLED_TARGETS "")  # what a static library of ours has to hold too
if(GYRE_BUNDLED_DEPS OR GYRE_BUNDLED_DEPS_DIR)
    gyre_sources_of(zlib folder)
    # What works on memory: without files.
    gyre_bundled_library(gyre_zlib ${folder} adler32.c compress.c crc32.c deflate.c infback.c inffast.c inflate.c
        inftrees.c trees.c uncompr.c zutil.c)
    # zlib's own list of what it can be told to call otherwise; the types in it need not.
    file(STRINGS ${folder}/zconf.h names REGEX "^# +define +[A-Za-z0-9_]+ +z_")
    list(TRANSFORM names REPLACE "^# +define +([A-Za-z0-9_]+).*$" "\\1")
    list(FILTER names EXCLUDE REGEX "^(Bytef?|z_.*|[a-z]+_func|gz_?[Hh]eader.*|gzFile|internal_state|[cui][A-Za-z]*f|u[IL][a-z]+|voidp.*)$")
    gyre_own_names(gyre_zlib ${names} z_errmsg)
    add_library(ZLIB::ZLIB ALIAS gyre_zlib)
    gyre_is_found(ZLIB)

    gyre_sources_of(utf8proc folder)
    gyre_bundled_library(utf8proc ${folder} utf8proc.c)
    target_compile_definitions(utf8proc PUBLIC UTF8PROC_STATIC)
    file(STRINGS ${folder}/utf8proc.h names REGEX "^UTF8PROC_DLLEXPORT ")
    list(TRANSFORM names REPLACE "^.*(utf8proc_[A-Za-z0-9_]+)[([].*$" "\\1")
    gyre_own_names(utf8proc ${names})
    add_library(utf8proc::utf8proc ALIAS utf8proc)
    gyre_is_found(utf8proc)

    set(GYRE_BUNDLED_TARGETS gyre_zlib utf8proc)

    # runtime/vk compiles volk.
    gyre_sources_of(volk folder)
    set(GYRE_VOLK_INCLUDE ${folder} CACHE PATH "Folder of volk.h" FORCE)
    set(GYRE_VOLK_SOURCE ${folder}/volk.c CACHE FILEPATH "volk.c" FORCE)
    gyre_sources_of(vulkan-headers folder)
    set(GYRE_VULKAN_INCLUDE ${folder}/include)
    if(NOT EXISTS ${GYRE_VULKAN_INCLUDE})  # Debian has them inside the loader's sources
        set(GYRE_VULKAN_INCLUDE ${folder}/vulkan-headers/include)
    endif()

    gyre_sources_of(cli11 folder)
    gyre_header_library(gyre_cli11 ${folder}/include)
    add_library(CLI11::CLI11 ALIAS gyre_cli11)
    gyre_is_found(CLI11)

    gyre_sources_of(json folder)
    gyre_header_library(gyre_json ${folder}/include)
    add_library(nlohmann_json::nlohmann_json ALIAS gyre_json)
    gyre_is_found(nlohmann_json)
endif()

# Static, whatever the library is: a program of Windows looks for a DLL in its own folder only.
function(gyre_add_googletest)
    set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # option() of theirs leaves these
    set(INSTALL_GTEST OFF)
    set(BUILD_GMOCK OFF)
    set(BUILD_SHARED_LIBS OFF)
    add_subdirectory(${GYRE_GTEST_DIR} ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
    gyre_is_found(GTest)
endfunction()
if(GYRE_GTEST_DIR)
    gyre_add_googletest()
endif()
