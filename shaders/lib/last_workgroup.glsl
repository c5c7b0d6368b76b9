// Which of several workgroups is the last to finish: it continues with what all have stored.
// SPDX-License-Identifier: Apache-2.0
//
// No workgroup waits for another: each takes a ticket after its stores, and the one with the last ticket
// sets it back to 0 and continues. Stores that others are to see must go through a coherent buffer.

layout(set = 0, binding = BINDING_STATE, std430) coherent buffer Tickets { uint tickets[]; };

shared uint ticket;

// True in one of the n workgroups that share the ticket at this word of the state; the stores of all n are
// visible to it. All invocations of a workgroup must call it, after their stores.
bool is_last_workgroup(uint at, uint n) {
    memoryBarrierBuffer();
    barrier();
    if (gl_LocalInvocationIndex == 0u) {
        uint own = atomicAdd(tickets[at], 1u);
        if (own + 1u == n) tickets[at] = 0u;
        ticket = own;
    }
    barrier();
    memoryBarrierBuffer();
    return ticket + 1u == n;
}
