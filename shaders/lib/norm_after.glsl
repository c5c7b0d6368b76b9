// The norm after a product: the workgroup that stores the last rows of a sum normalises it.
// SPDX-License-Identifier: Apache-2.0
//
// So that neither the next product has to normalise its input in every workgroup nor a dispatch of its
// own is needed. Stores to the row must go through sum_row.

layout(set = 0, binding = BINDING_STATE, std430) coherent buffer SumRow { float sum_row[]; };
layout(set = 0, binding = BINDING_STATE, std430) coherent buffer SumQuads { vec4 sum_row4[]; };
#include "last_workgroup.glsl"
