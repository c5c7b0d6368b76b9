// Four words at once of the state and of the params: as texels, or from the storage buffers.
// SPDX-License-Identifier: Apache-2.0
//
// Needs TEXELS (specialization constant) and state4[]. `at` counts quads.
#extension GL_EXT_samplerless_texture_functions : require

layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer ParamsQuads { vec4 params4[]; };
layout(set = 0, binding = BINDING_STATE_TEXELS) uniform textureBuffer state_texels;
layout(set = 0, binding = BINDING_PARAMS_TEXELS) uniform textureBuffer params_texels;

vec4 load_state4(uint at) {
    return TEXELS != 0u ? texelFetch(state_texels, int(at)) : state4[at];
}

vec4 load_params4(uint at) {
    return TEXELS != 0u ? texelFetch(params_texels, int(at)) : params4[at];
}
