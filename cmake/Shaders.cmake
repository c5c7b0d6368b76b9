# The table of shader modules as a library, gyre_shaders. SPIR-V is compiled by the project in shaders/, whose binary
# folder the presets share: whichever is built first compiles the shaders, the others find them.

set(default_shader_dir ${CMAKE_BINARY_DIR}/shaders)
cmake_path(IS_PREFIX CMAKE_SOURCE_DIR ${CMAKE_BINARY_DIR} NORMALIZE builds_in_tree)
if(builds_in_tree)
    set(default_shader_dir ${CMAKE_SOURCE_DIR}/build/shaders)
endif()
set(GYRE_SHADER_DIR ${default_shader_dir} CACHE PATH "Where SPIR-V is compiled; build folders may share it")

set(build_shaders ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR}/shaders -DBINARY=${GYRE_SHADER_DIR}
    -DGENERATOR=${CMAKE_GENERATOR} -DMAKE_PROGRAM=${CMAKE_MAKE_PROGRAM})
# Now, so that a missing compiler is an error here and not in the middle of a build.
execute_process(COMMAND ${build_shaders} -DSTEP=configure -P ${CMAKE_SOURCE_DIR}/cmake/BuildShaders.cmake
    COMMAND_ERROR_IS_FATAL ANY)
include(${GYRE_SHADER_DIR}/shaders.cmake)  # GYRE_COOPERATIVE_KERNELS, GYRE_SPIRV_VAL

# Runs in every build: whether there is something to do is for the shaders' own build to say.
add_custom_target(gyre_spirv
    COMMAND ${build_shaders} -DSTEP=build -P ${CMAKE_SOURCE_DIR}/cmake/BuildShaders.cmake
    BYPRODUCTS ${GYRE_SHADER_DIR}/shader_modules.cpp
    COMMENT "Shader modules" VERBATIM)
gyre_add_library(gyre_shaders SOURCES ${GYRE_SHADER_DIR}/shader_modules.cpp)
add_dependencies(gyre_shaders gyre_spirv)
