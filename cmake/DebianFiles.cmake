# Run by CPack before it packs: what Debian's packages have and an installation has not, and equal times everywhere.
# SPDX-License-Identifier: Apache-2.0
#
# usr/share/doc/PACKAGE/copyright and changelog.Debian.gz, the manual compressed. Where SOURCE_DATE_EPOCH is set, every
# file gets that time, so that equal sources give equal packages.

set(staged ${CPACK_TEMPORARY_DIRECTORY})

if(CPACK_GENERATOR STREQUAL "DEB")
    string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH where that is set
    foreach(component IN LISTS CPACK_COMPONENTS_ALL)
        string(TOUPPER ${component} upper)
        set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
        set(documents ${staged}/${component}/usr/share/doc/${package})
        file(WRITE ${documents}/copyright
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: gyre

Files: *
Copyright: 2026, the authors of Gyre
License: Apache-2.0
 On Debian systems, the full text of the Apache License, version 2.0,
 is in /usr/share/common-licenses/Apache-2.0.
")
        file(WRITE ${documents}/changelog.Debian
"gyre (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Packages of Gyre ${CPACK_PACKAGE_VERSION}; see its CHANGELOG.md.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
        execute_process(COMMAND gzip -9nf ${documents}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
    # Both are in the files above; the licence is one of Debian's common ones.
    file(REMOVE_RECURSE ${staged}/gyre_development/usr/share/doc/gyre)
    file(GLOB manuals ${staged}/gyre_program/usr/share/man/man1/*.1)
    foreach(manual IN LISTS manuals)
        execute_process(COMMAND gzip -9nf ${manual} COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
    # Debian has its own folder for zsh.
    if(EXISTS ${staged}/gyre_program/usr/share/zsh/site-functions)
        file(RENAME ${staged}/gyre_program/usr/share/zsh/site-functions
            ${staged}/gyre_program/usr/share/zsh/vendor-completions)
    endif()
endif()

if(DEFINED ENV{SOURCE_DATE_EPOCH})
    execute_process(COMMAND find ${staged} -exec touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} {} +
        COMMAND_ERROR_IS_FATAL ANY)
endif()
