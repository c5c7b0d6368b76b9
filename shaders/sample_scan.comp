// sample_scan.comp: logits to ordered keys, repetition penalty applied; the best of every block.
//
//   cache   logits [n_logits]                      f32  read (as bits)
//   weights SampleOptions, SampleLoop, history     u32  read
//   state   keys, subsets, partials, interface/sample.h  u32  written; the histogram is cleared
//   step    halted: nothing happens
//   pc      SampleParams, interface/sample.h
//   grid    ceil(n_logits / SAMPLE_BLOCK) workgroups; one workgroup scans one block
//
// SPDX-License-Identifier: Apache-2.0
#version 450
#extension GL_GOOGLE_include_directive : require
#include "sample.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

#include "sampling.glsl"

layout(set = 0, binding = BINDING_STATE, std430) writeonly buffer Scratch { uint scratch[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer Control { SAMPLE_CONTROL_MEMBERS };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer Logits { uint logits[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; };

shared uint seen[SAMPLE_BLOCK / 32];  // a bit for each of the block's tokens
shared uint bad_history;              // 1: a token of the history is outside the vocabulary
shared uint lane_key[LOCAL_SIZE], lane_id[LOCAL_SIZE], lane_bad[LOCAL_SIZE];

// Each token once, however often it occurs: a bit is set or not.
void mark_history(uint first, uint n_recent) {
    uint lane = gl_LocalInvocationIndex;
    for (uint i = lane; i < SAMPLE_BLOCK / 32; i += LOCAL_SIZE) {
        seen[i] = 0u;
    }
    if (lane == 0u) bad_history = 0u;
    barrier();
    for (uint i = lane; i < n_recent; i += LOCAL_SIZE) {
        uint token = history[(loop.n_history - 1u - i) % SAMPLE_HISTORY];
        uint at = token - first;  // unsigned on purpose: tokens before the block become huge
        if (token >= pc.n_logits) {
            atomicOr(bad_history, 1u);
        } else if (at < SAMPLE_BLOCK) {
            atomicOr(seen[at / 32u], 1u << (at % 32u));
        }
    }
    barrier();
}

void main() {
    if (step_state.halted != SAMPLE_RUNNING) return;
    uint lane = gl_LocalInvocationIndex;
    uint block = gl_WorkGroupID.x;
    uint first = block * SAMPLE_BLOCK;
    if (block == 0u) {
        for (uint i = lane; i < 3u * SAMPLE_SLOTS; i += LOCAL_SIZE) {
            scratch[pc.histogram + i] = 0u;
        }
    }
    uint n_recent = min(min(options.window, loop.n_history), SAMPLE_HISTORY);
    if (n_recent != 0u) mark_history(first, n_recent);

    uint best = NO_TOKEN, best_id = NO_TOKEN, bad = NO_TOKEN;
    for (uint subset = lane; subset < SAMPLE_SUBSETS; subset += LOCAL_SIZE) {
        uint subset_key = NO_TOKEN;
        for (uint at = subset; at < SAMPLE_BLOCK && first + at < pc.n_logits; at += SAMPLE_SUBSETS) {
            uint id = first + at;
            uint bits = canonical_bits(logits[id]);
            uint key = NO_TOKEN;
            if (is_nan_bits(bits) || bits == INFINITY_BITS) {
                bad = min(bad, id << 1 | uint(bits == INFINITY_BITS));
            } else {
                if (n_recent != 0u && (seen[at / 32u] >> (at % 32u) & 1u) != 0u) {
                    bits = penalized_bits(bits, options.penalty, options.inverse_penalty);
                }
                key = falling_key(bits);
            }
            scratch[pc.keys + id] = key;
            subset_key = min(subset_key, key);
            if (key < best || (key == best && id < best_id)) {
                best = key;
                best_id = id;
            }
        }
        scratch[pc.subsets + block * SAMPLE_SUBSETS + subset] = subset_key;
    }
    lane_key[lane] = best;
    lane_id[lane] = best_id;
    lane_bad[lane] = bad;
    barrier();
    if (lane != 0u) return;
    for (uint i = 1u; i < LOCAL_SIZE; ++i) {
        if (lane_key[i] < best || (lane_key[i] == best && lane_id[i] < best_id)) {
            best = lane_key[i];
            best_id = lane_id[i];
        }
        bad = min(bad, lane_bad[i]);
    }
    uint partial = pc.partials + block * SAMPLE_PARTIAL_WORDS;
    scratch[partial] = best;
    scratch[partial + 1u] = best_id;
    scratch[partial + 2u] = bad;
    scratch[partial + 3u] = n_recent != 0u ? bad_history : 0u;
}
