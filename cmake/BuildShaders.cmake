# Run with -P: configures or builds (STEP) the project SOURCE in the folder BINARY, which several builds may share: one
# after the other.

file(MAKE_DIRECTORY ${BINARY})
file(LOCK ${BINARY} DIRECTORY GUARD PROCESS)
if(STEP STREQUAL "configure")
    set(command ${CMAKE_COMMAND} -S ${SOURCE} -B ${BINARY} -G ${GENERATOR} -DCMAKE_MAKE_PROGRAM=${MAKE_PROGRAM})
    set(output OUTPUT_QUIET)  # of CMake's own steps; messages of ours go to stderr
else()
    set(command ${CMAKE_COMMAND} --build ${BINARY})
endif()
execute_process(COMMAND ${command} ${output} COMMAND_ERROR_IS_FATAL ANY)
