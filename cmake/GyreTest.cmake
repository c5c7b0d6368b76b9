# gyre_add_test(NAME x SOURCES x_test.cpp LIBS gyre_model LABELS cpu): a GoogleTest program and its
# ctest entries.
#
# Label cpu: needs no Vulkan; one ctest entry (with label script too where it runs nothing that is compiled: the
# sanitizers leave it out). Label gpu: the program is run once for every software
# driver and once more with synchronization validation; the entries are NAME.lavapipe,
# NAME.swiftshader and NAME.sync. kernel_test has NAME.bounds too: GPU-assisted validation, on
# SwiftShader. A missing driver file fails the entry, it is never skipped: the fixture in tests/support
# refuses to run without GYRE_TEST_DRIVER's device. SYNC_FILTER: the tests of NAME.sync, where not all.
#
# Of gpu programs the entries above are the full suite (label full). QUICK: the tests that the quick suite
# (label quick) runs on both drivers, as a list of GoogleTest patterns, in entries NAME.quick.lavapipe and
# NAME.quick.swiftshader; "*": the whole program, whose entries for the two drivers are in both suites then.
# What each suite has and why: docs/testing.md.

find_package(GTest REQUIRED)

set(GYRE_LAVAPIPE_ICD "" CACHE FILEPATH "ICD file of lavapipe; empty: where Debian installs it")
set(GYRE_SWIFTSHADER_ICD "${gyre_SOURCE_DIR}/.cache/swiftshader/vk_swiftshader_icd.json"
    CACHE FILEPATH "ICD file of SwiftShader; scripts/fetch-swiftshader puts it there")
if(NOT GYRE_LAVAPIPE_ICD)
    file(GLOB lavapipe_icds /usr/share/vulkan/icd.d/lvp_icd*.json)
    list(APPEND lavapipe_icds /usr/share/vulkan/icd.d/lvp_icd.x86_64.json)
    list(GET lavapipe_icds 0 GYRE_LAVAPIPE_ICD)
endif()

# What a shader of lavapipe compiles to is the same in every build folder.
set(mesa_cache ${gyre_SOURCE_DIR}/build/mesa-cache)

# Processor seconds of entries, which say how far a suite is and which entries begin first.
set(costs_file ${gyre_SOURCE_DIR}/tests/costs.txt)
file(STRINGS ${costs_file} cost_lines REGEX "^[0-9]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${costs_file})
foreach(line IN LISTS cost_lines)
    string(REGEX MATCH "^([0-9.]+) +(.+)$" line "${line}")
    set(cost_of_${CMAKE_MATCH_2} ${CMAKE_MATCH_1})
endforeach()

# The properties that every ctest entry has.
function(gyre_test_properties name labels timeout)
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout})
    if(DEFINED cost_of_${name})
        set_tests_properties(${name} PROPERTIES COST ${cost_of_${name}})
    endif()
endfunction()

function(gyre_add_test)
    cmake_parse_arguments(arg "" "NAME;TIMEOUT" "SOURCES;LIBS;LABELS;SYNC_FILTER;QUICK" ${ARGN})
    add_executable(${arg_NAME} ${arg_SOURCES})
    target_link_libraries(${arg_NAME} PRIVATE ${arg_LIBS} GTest::gtest GTest::gtest_main)
    target_compile_definitions(${arg_NAME} PRIVATE GYRE_SOURCE_DIR="${gyre_SOURCE_DIR}"
        GYRE_BINARY_DIR="${gyre_BINARY_DIR}")
    gyre_language(${arg_NAME})
    gyre_warnings(${arg_NAME})
    foreach(label IN LISTS arg_LABELS)  # tests_cpu, tests_gpu, tests_threads: what a label builds
        if(NOT TARGET tests_${label})
            add_custom_target(tests_${label})
        endif()
        add_dependencies(tests_${label} ${arg_NAME})
    endforeach()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 600)
    endif()
    if(NOT "gpu" IN_LIST arg_LABELS)
        add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
        gyre_test_properties(${arg_NAME} "${arg_LABELS}" ${arg_TIMEOUT})
        return()
    endif()
    set(whole ${arg_LABELS} full)
    if(arg_QUICK STREQUAL "*")
        list(APPEND whole quick)
    endif()
    foreach(driver IN ITEMS lavapipe swiftshader)
        gyre_gpu_entry(${arg_NAME}.${driver} ${arg_NAME} ${driver} "${whole}" ${arg_TIMEOUT})
        if(arg_QUICK AND NOT arg_QUICK STREQUAL "*")
            gyre_gpu_entry(${arg_NAME}.quick.${driver} ${arg_NAME} ${driver} "${arg_LABELS};quick"
                ${arg_TIMEOUT} FILTER ${arg_QUICK})
        endif()
    endforeach()
    gyre_gpu_entry(${arg_NAME}.sync ${arg_NAME} lavapipe "${arg_LABELS};full;sync" ${arg_TIMEOUT}
        FILTER ${arg_SYNC_FILTER} ENVIRONMENT GYRE_TEST_SYNC_VALIDATION=1)
endfunction()

# gyre_gpu_entry(NAME PROGRAM lavapipe LABELS TIMEOUT [FILTER pattern...] [ENVIRONMENT X=Y...]): the program
# on one driver, which is a label too.
function(gyre_gpu_entry name program driver labels timeout)
    cmake_parse_arguments(arg "" "" "FILTER;ENVIRONMENT" ${ARGN})
    string(TOUPPER ${driver} upper)
    set(icd ${GYRE_${upper}_ICD})
    list(JOIN arg_FILTER ":" filter)
    if(filter)
        list(APPEND arg_ENVIRONMENT "GTEST_FILTER=${filter}")
    endif()
    add_test(NAME ${name} COMMAND ${program})
    gyre_test_properties(${name} "${labels};${driver}" ${timeout})
    set_tests_properties(${name} PROPERTIES
        ENVIRONMENT "VK_DRIVER_FILES=${icd};VK_ICD_FILENAMES=${icd};GYRE_TEST_DRIVER=${driver};MESA_SHADER_CACHE_DIR=${mesa_cache};TSAN_OPTIONS=ignore_noninstrumented_modules=1 suppressions=${gyre_SOURCE_DIR}/tests/support/tsan.supp;${arg_ENVIRONMENT}")
endfunction()
