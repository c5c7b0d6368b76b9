# What systems, linkers and formats of libraries do differently in the build.

include(CheckLinkerFlag)

# Sources named *_windows.cpp and *_posix.cpp.
if(WIN32)
    set(GYRE_PLATFORM windows)
else()
    set(GYRE_PLATFORM posix)
endif()

# Of shared libraries.
set(GYRE_LIBRARY_FORMAT ELF)
if(WIN32)
    set(GYRE_LIBRARY_FORMAT PE)
elseif(APPLE)
    set(GYRE_LIBRARY_FORMAT MACHO)
endif()

# How the linker is told that what nothing calls stays out; empty: it cannot.
set(GYRE_LINK_FOR_SIZE "")
if(APPLE)
    set(GYRE_LINK_FOR_SIZE LINKER:-dead_strip)
else()
    check_linker_flag(CXX LINKER:--gc-sections GYRE_LINKER_HAS_GC_SECTIONS)
    if(GYRE_LINKER_HAS_GC_SECTIONS)
        set(GYRE_LINK_FOR_SIZE LINKER:--gc-sections)
    endif()
endif()

# Every target of ours has these: cmake/GyreTarget.cmake.
set(GYRE_PLATFORM_DEFINITIONS "")
set(GYRE_PLATFORM_LINK_OPTIONS "")
if(UNIX AND NOT APPLE AND CMAKE_SIZEOF_VOID_P EQUAL 4)
    # Files beyond 2 GiB on systems of 32 bits too.
    set(GYRE_PLATFORM_DEFINITIONS _FILE_OFFSET_BITS=64)
elseif(WIN32)
    # Windows 10: consoles that know control sequences.
    set(GYRE_PLATFORM_DEFINITIONS UNICODE _UNICODE NOMINMAX WIN32_LEAN_AND_MEAN _WIN32_WINNT=0x0A00)
endif()
if(MINGW)
    set(GYRE_PLATFORM_LINK_OPTIONS -static)  # no DLL of the compiler's own
endif()

# gyre_limit_exports(TARGET FOLDER): the shared library TARGET exports gyre_* and nothing else. FOLDER has the lists.
# Hidden visibility alone does not reach the standard library's templates.
function(gyre_limit_exports target folder)
    if(WIN32)
        # dllexport says what is exported. PREFIX: gyre.dll; the .def file is for MSVC's lib.exe.
        set(definitions ${PROJECT_BINARY_DIR}/lib/gyre.def)
        file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
        set_target_properties(${target} PROPERTIES PREFIX "")
        target_link_options(${target} PRIVATE LINKER:--output-def,${definitions})
    elseif(APPLE)
        target_link_options(${target} PRIVATE LINKER:-exported_symbols_list,${folder}/exports_macos.txt)
        set_target_properties(${target} PROPERTIES LINK_DEPENDS ${folder}/exports_macos.txt)
    else()
        target_link_options(${target} PRIVATE LINKER:--version-script=${folder}/exports.map)
        set_target_properties(${target} PROPERTIES LINK_DEPENDS ${folder}/exports.map)
    endif()
endfunction()
