// sample_weigh.comp: a histogram of the tokens' counts and weights, by their distance from the most likely one.
// SPDX-License-Identifier: Apache-2.0
//
//   cache   logits [n_logits], padded to vec4    f32  read (as bits)
//   weights SampleOptions, SampleLoop            u32  read
//   state   partials, marks of sample_scan.comp  u32  read
//   state   histogram [3][SAMPLE_SLOTS]          u32  added to
//   step    halted: nothing happens
//   pc      SampleParams, interface/sample.h
//   grid    as sample_scan.comp
//
// Bins are of equal width in the exponent. The last bin, which has most tokens of a language model and few
// of the draws, is the total less the others, so that few tokens need atomics.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "sample.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

layout(set = 0, binding = BINDING_STATE, std430) buffer Scratch { uint scratch[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer Control { SAMPLE_CONTROL_MEMBERS };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer Logits { uvec4 logits4[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; };

#include "sampling.glsl"
#include "sample_keys.glsl"

shared uint sums[3 * SAMPLE_SLOTS];
shared uint best_key;

uvec2 sum_of_halves(uvec4 low, uvec4 high) {
    uint upper = high.x + high.y + high.z + high.w;
    return add64(uvec2(upper << 16, upper >> 16), uvec2(low.x + low.y + low.z + low.w, 0u));
}

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

    // No number among the logits, or no token: sample_pick reports it, and there is nothing to weigh.
    if (is_bad_key(best_key) || best_key == KEY_EXCLUDED) return;

    float max_logit = key_logit(best_key);
    float inverse_temperature = options.inverse_temperature;
    uint min_weight = options.min_weight;
    float penalty = options.penalty;
    float inverse = options.inverse_penalty;
    uint n_recent = n_recent_tokens();
    // Sums of the low and high halves of weights: an invocation adds too few for a carry.
    uvec4 n_all = uvec4(0u), low = uvec4(0u), high = uvec4(0u), floor_low = uvec4(0u), floor_high = uvec4(0u);
    uint first = gl_WorkGroupID.x * SAMPLE_BLOCK;
    for (uint at = 4u * lane; at < SAMPLE_BLOCK; at += 4u * LOCAL_SIZE) {
        uint id = first + at;
        uint marks = n_recent != 0u ? scratch[pc.marks + id / 32u] >> (id % 32u) : 0u;
        uvec4 keys = falling_keys(id, marks, penalty, inverse);
        vec4 x = exponent_of(keys, max_logit, inverse_temperature);
        uvec4 weights = weight_of(keys, x);
        uvec4 bins = mix(bin_of(x), uvec4(SAMPLE_BINS - 1), equal(weights, uvec4(0u)));
        n_all += uvec4(notEqual(weights, uvec4(0u)));
        low += weights & 0xffffu;
        high += weights >> 16;
        uvec4 passing = mix(uvec4(0u), weights, greaterThanEqual(weights, uvec4(min_weight)));
        floor_low += passing & 0xffffu;
        floor_high += passing >> 16;
        uint likely = bits_of(lessThan(bins, uvec4(SAMPLE_BINS - 1)));
        for (; likely != 0u; likely &= likely - 1u) {
            uint e = uint(findLSB(likely));
            ADD_TO_HISTOGRAM(sums, 0u, component(bins, e), 1u, uvec2(component(weights, e), 0u));
        }
    }
    uint n = n_all.x + n_all.y + n_all.z + n_all.w;
    if (n != 0u) {
        ADD_TO_HISTOGRAM(sums, 0u, SAMPLE_SLOT_TOTAL, n, sum_of_halves(low, high));
        ADD_TO_HISTOGRAM(sums, 0u, SAMPLE_SLOT_FLOOR, 0u, sum_of_halves(floor_low, floor_high));
    }
    barrier();
    for (uint slot = lane; slot < SAMPLE_SLOTS; slot += LOCAL_SIZE) {
        uint n = sums[slot];
        uvec2 sum = uvec2(sums[SAMPLE_SLOTS + slot], sums[2u * SAMPLE_SLOTS + slot]);
        if (sum != uvec2(0u)) ADD_TO_HISTOGRAM(scratch, pc.histogram, slot, n, sum);
    }
}
