# find_package(utf8proc): the target utf8proc::utf8proc. Also installed, for those who link the static library.
# SPDX-License-Identifier: Apache-2.0

# A parent project may have it as a target of its own.
if(TARGET utf8proc AND NOT TARGET utf8proc::utf8proc)
    add_library(utf8proc::utf8proc ALIAS utf8proc)
endif()
if(TARGET utf8proc::utf8proc)
    set(utf8proc_FOUND TRUE)
    return()
endif()

find_path(UTF8PROC_INCLUDE_DIR utf8proc.h DOC "Folder of utf8proc.h (Debian: libutf8proc-dev)")
find_library(UTF8PROC_LIBRARY utf8proc DOC "The library utf8proc (Debian: libutf8proc-dev)")
mark_as_advanced(UTF8PROC_INCLUDE_DIR UTF8PROC_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(utf8proc REQUIRED_VARS UTF8PROC_LIBRARY UTF8PROC_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "on Debian: apt install libutf8proc-dev")
if(utf8proc_FOUND)
    add_library(utf8proc::utf8proc UNKNOWN IMPORTED)
    set_target_properties(utf8proc::utf8proc PROPERTIES IMPORTED_LOCATION ${UTF8PROC_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${UTF8PROC_INCLUDE_DIR})
endif()
