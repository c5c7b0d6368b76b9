# Which files the table of shader modules is made of, and one hash of them all.
# SPDX-License-Identifier: Apache-2.0

# gyre_shader_sources(ROOT FILES HASH): sets FILES to them and HASH to SHA-256 of their names and contents.
function(gyre_shader_sources root files hash)
    file(GLOB sources RELATIVE ${root} ${root}/shaders/*.comp ${root}/shaders/lib/*.glsl ${root}/shaders/interface/*.h)
    list(APPEND sources shaders/CMakeLists.txt shaders/pack/pack_spirv.cpp cmake/EmbedSpirv.cmake)
    list(SORT sources)
    set(sums "")
    foreach(source IN LISTS sources)
        file(SHA256 ${root}/${source} sum)
        string(APPEND sums "${sum}  ${source}\n")
    endforeach()
    string(SHA256 sum "${sums}")
    list(TRANSFORM sources PREPEND ${root}/)
    set(${files} ${sources} PARENT_SCOPE)
    set(${hash} ${sum} PARENT_SCOPE)
endfunction()
