# One way to make a target of ours, so that warnings and sanitizers are the same everywhere.

find_package(Threads REQUIRED)

# Our warnings, not those of packages; -Werror only where GYRE_WERROR asks for it.
function(gyre_warnings target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # GCC 12 warns of its own inlined std::string and std::vector: GCC bugs 105329 and 105651.
        target_compile_options(${target} PRIVATE -Wno-restrict -Wno-stringop-overflow)
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
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_LIBS})
    gyre_warnings(${name})
endfunction()
