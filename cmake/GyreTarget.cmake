# One way to make a target of ours, so that language, warnings and sanitizers are the same everywhere. All of it is
# properties of the target: the settings of a parent project are neither changed nor relied on.

find_package(Threads REQUIRED GLOBAL)

# The libraries that this C++ compiler links and this C compiler does not: those of C++.
set(GYRE_CXX_RUNTIME ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(REMOVE_ITEM GYRE_CXX_RUNTIME ${CMAKE_C_IMPLICIT_LINK_LIBRARIES})
list(REMOVE_DUPLICATES GYRE_CXX_RUNTIME)

# C++20 without extensions, nothing visible that does not say so, and where the program is to be small, sections that
# the linker can leave out where nothing calls them.
function(gyre_language target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 99 CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF UNITY_BUILD OFF
        POSITION_INDEPENDENT_CODE ON
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    set(for_size $<CONFIG:MinSizeRel,Release>)
    target_compile_options(${target} PRIVATE $<${for_size}:-ffunction-sections> $<${for_size}:-fdata-sections>)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
        target_link_options(${target} PRIVATE $<${for_size}:${GYRE_LINK_FOR_SIZE}>)
    endif()
    target_compile_definitions(${target} PRIVATE ${GYRE_PLATFORM_DEFINITIONS})
    target_link_options(${target} PRIVATE ${GYRE_PLATFORM_LINK_OPTIONS})
endfunction()

# Our warnings, not those of packages; -Werror only where GYRE_WERROR asks for it.
function(gyre_warnings target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # GCC 12 warns of its own inlined std::string and std::vector: GCC bugs 105329 and 105651.
        target_compile_options(${target} PRIVATE -Wno-restrict -Wno-stringop-overflow)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 18)
        # It warns of std::get_temporary_buffer inside the std::stable_sort of libstdc++ 12: LLVM issue 76515. GCC says
        # what of ours is deprecated.
        target_compile_options(${target} PRIVATE -Wno-deprecated-declarations)
    endif()
    if(GYRE_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(GYRE_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${GYRE_SANITIZE}
            -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(${target} PUBLIC -fsanitize=${GYRE_SANITIZE})
    endif()
endfunction()

# gyre_add_library(NAME SOURCES a.cpp b.cpp LIBS gyre_base): one layer of the runtime.
function(gyre_add_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${gyre_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_LIBS})
    gyre_language(${name})
    gyre_warnings(${name})
endfunction()

# gyre_own_names(TARGET NAME...): sources of others that are compiled here define these, and get names that begin with
# gyre, for whoever uses the target too. Hidden is not enough in a static library: a program that links the same
# functions from elsewhere would get ours in their place.
function(gyre_own_names target)
    list(REMOVE_DUPLICATES ARGN)
    list(TRANSFORM ARGN REPLACE "^(.+)$" "#define \\1 gyre0_\\1" OUTPUT_VARIABLE lines)
    list(JOIN lines "\n" lines)
    set(header ${CMAKE_CURRENT_BINARY_DIR}/${target}_names.h)
    file(CONFIGURE OUTPUT ${header} CONTENT "${lines}\n" @ONLY)
    target_compile_options(${target} PUBLIC "SHELL:-include ${header}")
endfunction()
