# The table of shader modules as a library, gyre_shaders. SPIR-V is compiled by the project in shaders/, whose binary
# folder the presets share: whichever is built first compiles the shaders, the others find them. The tarball of sources
# has the table in shaders/prebuilt: where it was made of these shaders, nothing is compiled.

include(ShaderSources)
set(prebuilt_shaders ${PROJECT_SOURCE_DIR}/shaders/prebuilt)
if(EXISTS ${prebuilt_shaders}/sources.sha256)
    gyre_shader_sources(${PROJECT_SOURCE_DIR} shader_sources shaders_hash)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${shader_sources})
    file(STRINGS ${prebuilt_shaders}/sources.sha256 prebuilt_hash)
    if(prebuilt_hash STREQUAL shaders_hash)
        message(STATUS "Shader modules: those of shaders/prebuilt, which were made of these shaders; "
            "no shader compiler is needed")
        include(${prebuilt_shaders}/shaders.cmake)
        gyre_add_library(gyre_shaders SOURCES ${prebuilt_shaders}/shader_modules.cpp)
        return()
    endif()
    message(NOTICE "Shader modules: shaders/prebuilt was made of other shaders than these, which are compiled now")
endif()

set(default_shader_dir ${PROJECT_BINARY_DIR}/shaders)
cmake_path(IS_PREFIX PROJECT_SOURCE_DIR ${PROJECT_BINARY_DIR} NORMALIZE builds_in_tree)
if(builds_in_tree)
    set(default_shader_dir ${PROJECT_SOURCE_DIR}/build/shaders)
endif()
set(GYRE_SHADER_DIR ${default_shader_dir} CACHE PATH "Where SPIR-V is compiled; build folders may share it")

set(build_shaders ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR}/shaders -DBINARY=${GYRE_SHADER_DIR}
    -DGENERATOR=${CMAKE_GENERATOR} -DMAKE_PROGRAM=${CMAKE_MAKE_PROGRAM})
# Now, so that a missing compiler is an error here and not in the middle of a build.
execute_process(COMMAND ${build_shaders} -DSTEP=configure -P ${PROJECT_SOURCE_DIR}/cmake/BuildShaders.cmake
    COMMAND_ERROR_IS_FATAL ANY)
include(${GYRE_SHADER_DIR}/shaders.cmake)  # GYRE_COOPERATIVE_KERNELS, GYRE_SPIRV_VAL

# Runs in every build: whether there is something to do is for the shaders' own build to say.
add_custom_target(gyre_spirv
    COMMAND ${build_shaders} -DSTEP=build -P ${PROJECT_SOURCE_DIR}/cmake/BuildShaders.cmake
    BYPRODUCTS ${GYRE_SHADER_DIR}/shader_modules.cpp
    COMMENT "Shader modules" VERBATIM)
gyre_add_library(gyre_shaders SOURCES ${GYRE_SHADER_DIR}/shader_modules.cpp)
add_dependencies(gyre_shaders gyre_spirv)
