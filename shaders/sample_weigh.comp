// sample_weigh.comp: how many tokens, of which weight, lie how far below the most likely one.
//
//   weights SampleOptions                        u32  read
//   state   keys, partials of sample_scan.comp   u32  read
//   state   histogram [3][SAMPLE_SLOTS]          u32  added to
//   step    halted: nothing happens
//   pc      SampleParams, interface/sample.h
//   grid    as sample_scan.comp
//
// Bins are of equal width in the exponent. The last bin, where most tokens of a language model are and
// where few draws go, is summed in registers: atomics are for the few others.
// SPDX-License-Identifier: Apache-2.0
#version 450
#extension GL_GOOGLE_include_directive : require
#include "sample.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

#include "sampling.glsl"

layout(set = 0, binding = BINDING_STATE, std430) buffer Scratch { uint scratch[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer Control { SAMPLE_CONTROL_MEMBERS };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; };

shared uint sums[3 * SAMPLE_SLOTS];
shared uint best_key;

void main() {
    if (step_state.halted != SAMPLE_RUNNING) return;
    uint lane = gl_LocalInvocationIndex;
    for (uint i = lane; i < 3u * SAMPLE_SLOTS; i += LOCAL_SIZE) {
        sums[i] = 0u;
    }
    if (lane == 0u) best_key = NO_TOKEN;
    barrier();
    for (uint i = lane; i < gl_NumWorkGroups.x; i += LOCAL_SIZE) {
        atomicMin(best_key, scratch[pc.partials + i * SAMPLE_PARTIAL_WORDS]);
    }
    barrier();

    float max_logit = key_logit(best_key);
    uint n_all = 0u, n_last = 0u;
    uvec2 all = uvec2(0u), last = uvec2(0u), floor_sum = uvec2(0u);
    uint first = gl_WorkGroupID.x * SAMPLE_BLOCK;
    for (uint at = lane; at < SAMPLE_BLOCK && first + at < pc.n_logits; at += LOCAL_SIZE) {
        uint key = scratch[pc.keys + first + at];
        if (key >= KEY_EXCLUDED) continue;
        float x = exponent_of(key, max_logit, options.inverse_temperature);
        uint weight = weight_of(x);
        if (weight == 0u) continue;
        ++n_all;
        all = add64(all, uvec2(weight, 0u));
        if (weight >= options.min_weight) floor_sum = add64(floor_sum, uvec2(weight, 0u));
        uint bin = bin_of(x);
        if (bin == SAMPLE_BINS - 1u) {
            ++n_last;
            last = add64(last, uvec2(weight, 0u));
        } else {
            ADD_TO_HISTOGRAM(sums, 0u, bin, 1u, uvec2(weight, 0u));
        }
    }
    if (n_all != 0u) ADD_TO_HISTOGRAM(sums, 0u, SAMPLE_SLOT_TOTAL, n_all, all);
    if (n_last != 0u) ADD_TO_HISTOGRAM(sums, 0u, SAMPLE_BINS - 1u, n_last, last);
    if (floor_sum != uvec2(0u)) ADD_TO_HISTOGRAM(sums, 0u, SAMPLE_SLOT_FLOOR, 0u, floor_sum);
    barrier();
    for (uint slot = lane; slot < SAMPLE_SLOTS; slot += LOCAL_SIZE) {
        uint n = sums[slot];
        uvec2 sum = uvec2(sums[SAMPLE_SLOTS + slot], sums[2u * SAMPLE_SLOTS + slot]);
        if (sum != uvec2(0u)) ADD_TO_HISTOGRAM(scratch, pc.histogram, slot, n, sum);
    }
}
