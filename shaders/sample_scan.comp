// sample_scan.comp: marks the tokens that the repetition penalty changes, and finds the best of every subset.
// SPDX-License-Identifier: Apache-2.0
//
//   cache   logits [n_logits], padded to vec4     f32  read (as bits)
//   weights SampleOptions, SampleLoop, history     u32  read
//   state   marks, subsets, partials, interface/sample.h  u32  written; the histogram is cleared
//   step    halted: nothing happens
//   pc      SampleParams, interface/sample.h
//   grid    ceil(n_logits / SAMPLE_BLOCK) workgroups; one workgroup scans one block
//
#version 450
#extension GL_GOOGLE_include_directive : require
#include "sample.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

layout(set = 0, binding = BINDING_STATE, std430) writeonly buffer Scratch { uint scratch[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer Control { SAMPLE_CONTROL_MEMBERS };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer Logits { uvec4 logits4[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; };

#include "sampling.glsl"
#include "sample_keys.glsl"

shared uint seen[SAMPLE_BLOCK / 32];  // a bit for each of the block's tokens
shared uint bad_history;              // 1: a token of the history is outside the vocabulary
shared uint block_best, block_bad;

// Each token once, however often it occurs: a bit is set or not.
void mark_history(uint first, uint n_recent) {
    for (uint i = gl_LocalInvocationIndex; i < n_recent; i += LOCAL_SIZE) {
        uint token = history[(loop.n_history - 1u - i) % SAMPLE_HISTORY];
        uint at = token - first;  // unsigned on purpose: tokens before the block become huge
        if (token >= pc.n_logits) {
            atomicOr(bad_history, 1u);
        } else if (at < SAMPLE_BLOCK) {
            atomicOr(seen[at / 32u], 1u << (at % 32u));
        }
    }
}

void main() {
    if (step_state.halted != SAMPLE_RUNNING) return;
    uint lane = gl_LocalInvocationIndex;
    uint block = gl_WorkGroupID.x;
    uint first = block * SAMPLE_BLOCK;
    for (uint i = lane; i < SAMPLE_BLOCK / 32; i += LOCAL_SIZE) {
        seen[i] = 0u;
    }
    if (lane == 0u) {
        bad_history = 0u;
        block_best = KEY_EXCLUDED;
        block_bad = NO_TOKEN;
    }
    barrier();
    mark_history(first, n_recent_tokens());
    if (block == 0u) {
        for (uint i = lane; i < 3u * SAMPLE_SLOTS; i += LOCAL_SIZE) {
            scratch[pc.histogram + i] = 0u;
        }
    }
    barrier();

    for (uint i = lane; i < SAMPLE_BLOCK / 32; i += LOCAL_SIZE) {
        scratch[pc.marks + first / 32u + i] = seen[i];
    }
    float penalty = options.penalty;
    float inverse = options.inverse_penalty;
    uint best = KEY_EXCLUDED, bad = NO_TOKEN;
    for (uint subset = lane; subset < SAMPLE_SUBSETS; subset += LOCAL_SIZE) {
        uint lowest = KEY_EXCLUDED, highest = 0u;
        for (uint q = 0u; q < SAMPLE_QUADS; ++q) {
            uint at = 4u * (subset + q * SAMPLE_SUBSETS);
            uvec4 keys = falling_keys(first + at, seen[at / 32u] >> (at % 32u), penalty, inverse);
            uvec2 low = min(keys.xy, keys.zw), high = max(keys.xy, keys.zw);
            lowest = min(lowest, min(low.x, low.y));
            highest = max(highest, max(high.x, high.y));
        }
        scratch[pc.subsets + block * SAMPLE_SUBSETS + subset] = lowest;
        best = min(best, lowest);
        // Rarely: which of the subset's logits it was.
        bool broken = lowest < KEY_LARGEST || highest > KEY_EXCLUDED;
        for (uint q = 0u; broken && q < SAMPLE_QUADS; ++q) {
            uint id = first + 4u * (subset + q * SAMPLE_SUBSETS);
            uvec4 keys = falling_keys(id, 0u, penalty, inverse);
            bvec4 is_good = equal(keys, clamp(keys, KEY_LARGEST, KEY_EXCLUDED));
            uint which = bits_of(not(is_good));
            if (which != 0u) bad = min(bad, id + uint(findLSB(which)));
        }
    }
    atomicMin(block_best, best);
    if (bad != NO_TOKEN) atomicMin(block_bad, bad);
    barrier();
    if (lane != 0u) return;
    uint partial = pc.partials + block * SAMPLE_PARTIAL_WORDS;
    scratch[partial] = block_best;
    scratch[partial + 1u] = block_bad;
    scratch[partial + 2u] = bad_history;
}
