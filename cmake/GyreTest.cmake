# gyre_add_test(NAME x SOURCES x_test.cpp LIBS gyre_model LABELS cpu): a GoogleTest program and its
# ctest entries.
#
# Label cpu: needs no Vulkan; one ctest entry. Label gpu: the program is run once for every software
# driver and once more with synchronization validation; the entries are NAME.lavapipe,
# NAME.swiftshader and NAME.sync. kernel_test has NAME.bounds too: GPU-assisted validation, on
# lavapipe. A missing driver file fails the entry, it is never skipped: the fixture in tests/support
# refuses to run without GYRE_TEST_DRIVER's device. SYNC_FILTER: the tests of NAME.sync, where not all.

find_package(GTest REQUIRED)

set(GYRE_LAVAPIPE_ICD "" CACHE FILEPATH "ICD file of lavapipe; empty: where Debian installs it")
set(GYRE_SWIFTSHADER_ICD "${CMAKE_SOURCE_DIR}/.cache/swiftshader/vk_swiftshader_icd.json"
    CACHE FILEPATH "ICD file of SwiftShader; scripts/fetch-swiftshader puts it there")
if(NOT GYRE_LAVAPIPE_ICD)
    file(GLOB lavapipe_icds /usr/share/vulkan/icd.d/lvp_icd*.json)
    list(APPEND lavapipe_icds /usr/share/vulkan/icd.d/lvp_icd.x86_64.json)
    list(GET lavapipe_icds 0 GYRE_LAVAPIPE_ICD)
endif()

function(gyre_add_test)
    cmake_parse_arguments(arg "" "NAME;TIMEOUT;SYNC_FILTER" "SOURCES;LIBS;LABELS" ${ARGN})
    add_executable(${arg_NAME} ${arg_SOURCES})
    target_link_libraries(${arg_NAME} PRIVATE ${arg_LIBS} GTest::gtest GTest::gtest_main)
    target_compile_definitions(${arg_NAME} PRIVATE GYRE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
        GYRE_BINARY_DIR="${CMAKE_BINARY_DIR}")
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
    if("gpu" IN_LIST arg_LABELS)
        gyre_gpu_entry(${arg_NAME} lavapipe "${GYRE_LAVAPIPE_ICD}" "" "${arg_LABELS}" ${arg_TIMEOUT})
        gyre_gpu_entry(${arg_NAME} swiftshader "${GYRE_SWIFTSHADER_ICD}" "" "${arg_LABELS}" ${arg_TIMEOUT})
        set(sync "GYRE_TEST_SYNC_VALIDATION=1")
        if(arg_SYNC_FILTER)
            list(APPEND sync "GTEST_FILTER=${arg_SYNC_FILTER}")
        endif()
        gyre_gpu_entry(${arg_NAME} sync "${GYRE_LAVAPIPE_ICD}" "${sync}" "${arg_LABELS}" ${arg_TIMEOUT})
    else()
        add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
        set_tests_properties(${arg_NAME} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
    endif()
endfunction()

function(gyre_gpu_entry name driver icd extra labels timeout)
    if(driver MATCHES "^(sync|bounds)$")
        set(device lavapipe)
    else()
        set(device ${driver})
    endif()
    add_test(NAME ${name}.${driver} COMMAND ${name})
    set_tests_properties(${name}.${driver} PROPERTIES LABELS "${labels};${driver}" TIMEOUT ${timeout}
        ENVIRONMENT "VK_DRIVER_FILES=${icd};VK_ICD_FILENAMES=${icd};GYRE_TEST_DRIVER=${device};MESA_SHADER_CACHE_DIR=${CMAKE_BINARY_DIR}/mesa-cache;TSAN_OPTIONS=ignore_noninstrumented_modules=1 suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp;${extra}")
endfunction()
