# Run with -P: puts the table of shader modules that was compiled in the folder COMPILED into shaders/prebuilt of the
# tree TO, for those who build without a shader compiler.
# SPDX-License-Identifier: Apache-2.0

include(${CMAKE_CURRENT_LIST_DIR}/ShaderSources.cmake)
set(folder ${TO}/shaders/prebuilt)
file(MAKE_DIRECTORY ${folder})
file(COPY_FILE ${COMPILED}/shader_modules.cpp ${folder}/shader_modules.cpp)
include(${COMPILED}/shaders.cmake)
file(WRITE ${folder}/shaders.cmake "set(GYRE_COOPERATIVE_KERNELS ${GYRE_COOPERATIVE_KERNELS})\n")
gyre_shader_sources(${TO} sources hash)
file(WRITE ${folder}/sources.sha256 "${hash}\n")
