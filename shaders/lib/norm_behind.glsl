// The norm behind a product: the workgroup that stores the last rows of a sum normalises it.
// SPDX-License-Identifier: Apache-2.0
//
// So that neither the next product has to normalise its input in every workgroup nor a dispatch of its
// own is needed. Nobody waits for anybody: each workgroup takes a ticket when its rows are stored, and the
// one with the last ticket goes on. Needs pc.ticket; stores to the row must go through sum_row.

layout(set = 0, binding = BINDING_STATE, std430) coherent buffer SumRow { float sum_row[]; };
layout(set = 0, binding = BINDING_STATE, std430) coherent buffer SumQuads { vec4 sum_row4[]; };
layout(set = 0, binding = BINDING_STATE, std430) coherent buffer Tickets { uint tickets[]; };

shared uint ticket;

// True in one workgroup of the dispatch, to which the stores of all others are visible. All invocations
// of a workgroup must call it, behind their stores.
bool is_last_workgroup() {
    memoryBarrierBuffer();
    barrier();
    if (gl_LocalInvocationIndex == 0u) ticket = atomicAdd(tickets[pc.ticket], 1u);
    barrier();
    memoryBarrierBuffer();
    return ticket + 1u == gl_NumWorkGroups.x * gl_NumWorkGroups.y;
}
