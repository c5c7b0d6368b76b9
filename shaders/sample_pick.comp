// sample_pick.comp: the next token, and everything that changes between two tokens of a loop.
// SPDX-License-Identifier: Apache-2.0
//
//   cache   logits [n_logits], padded to vec4  f32  read (as bits)
//   state   marks, subsets, partials, histogram, interface/sample.h  u32  read
//   weights SampleOptions  read; SampleLoop, results, history        u32  read and written
//   params  StepState, and after it the token ids [n_tokens] of the batch  u32  read and written
//   pc      SampleParams, interface/sample.h
//   grid    one workgroup
//
// Prefixes of the descending order are known by their sums of weights: top_k finds the sum of the first
// k tokens, top_p a smaller sum, min_p another, and the draw is a point below the smallest.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "sample.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

layout(set = 0, binding = BINDING_STATE, std430) readonly buffer Scratch { uint scratch[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) buffer Control { SAMPLE_CONTROL_MEMBERS };
layout(set = 0, binding = BINDING_PARAMS, std430) buffer Batch { SAMPLE_BATCH_MEMBERS };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer Logits { uvec4 logits4[]; };

shared uint best_key, first_bad;

#include "sampling.glsl"
#include "sample_keys.glsl"
#include "sample_select.glsl"

const uint STAGE_TOP_K = 0u;
const uint STAGE_TOP_P = 1u;
const uint STAGE_DRAW = 2u;  // after min_p

void merge_partials() {
    uint n_blocks = (pc.n_logits + SAMPLE_BLOCK - 1u) / SAMPLE_BLOCK;
    if (gl_LocalInvocationIndex == 0u) {
        best_key = KEY_EXCLUDED;
        first_bad = NO_TOKEN;
    }
    barrier();
    for (uint b = gl_LocalInvocationIndex; b < n_blocks; b += LOCAL_SIZE) {
        atomicMin(best_key, scratch[pc.partials + b * SAMPLE_PARTIAL_WORDS]);
        atomicMin(first_bad, scratch[pc.partials + b * SAMPLE_PARTIAL_WORDS + 1u]);
    }
    barrier();
}

uint check() {
    if (first_bad != NO_TOKEN) {
        uint bits = logits4[first_bad / 4u][first_bad % 4u];
        return bits == INFINITY_BITS ? SAMPLE_ERROR_INFINITE : SAMPLE_ERROR_NAN;
    }
    if (scratch[pc.partials + 2u] != 0u) return SAMPLE_ERROR_HISTORY;
    return best_key < KEY_EXCLUDED ? SAMPLE_RUNNING : SAMPLE_ERROR_EXCLUDED;
}

uvec2 histogram_sum(uint slot) {
    uint at = pc.histogram + SAMPLE_SLOTS + slot;
    return uvec2(scratch[at], scratch[at + SAMPLE_SLOTS]);
}

// Prefixes of the order, each shorter than the one before, and the token at a point of the last one.
// Greedy: the first token of the order, for which nothing has been weighed.
uint draw() {
    uint n_weighed = scratch[pc.histogram + SAMPLE_SLOT_TOTAL];
    uvec2 kept = histogram_sum(SAMPLE_SLOT_TOTAL);
    uvec2 top_p = uvec2(options.top_p_low, options.top_p_high);
    for (uint stage = STAGE_TOP_K; stage <= STAGE_DRAW; ++stage) {
        uvec2 target = uvec2(0u);
        if (pc.greedy != 0u) {
            stage = STAGE_DRAW;
        } else if (stage == STAGE_TOP_K) {
            if (options.top_k == 0u || options.top_k >= n_weighed) continue;
            target.x = options.top_k;
        } else if (stage == STAGE_TOP_P) {
            if (top_p == uvec2(NO_TOKEN)) continue;
            target = multiply_high_ceil(top_p, kept);
            if (target == uvec2(0u)) target.x = 1u;
        } else {
            uvec2 above_floor = histogram_sum(SAMPLE_SLOT_FLOOR);
            if (less64(above_floor, kept)) kept = above_floor;
            uvec2 seed = uvec2(options.seed_low, options.seed_high);
            uvec2 random = random_bits(seed, uvec2(loop.step_low, loop.step_high));
            target = add64(multiply_high(random, kept), uvec2(1u, 0u));
        }
        select(stage == STAGE_TOP_K, target);
        kept = found_sum;
    }
    return found_id;
}

uint stop_status(uint token, uint next_position) {
    if (token == options.stop_token) return SAMPLE_STOP_TOKEN;
    if (loop.n_results + 1u >= options.max_tokens) return SAMPLE_STOP_COUNT;
    return next_position >= pc.n_ctx ? SAMPLE_STOP_CONTEXT : SAMPLE_RUNNING;
}

// The batch is done and the next one is the token, in the cell after it. Where there is no token or
// no cell, the batch's last token is repeated in its own cell: the decodes that still follow in the
// queue then write nothing new.
void advance(uint token, uint status, uint detail) {
    uint next = step_state.first_position + step_state.n_tokens;
    if (status == SAMPLE_RUNNING) {
        status = stop_status(token, next);
        history[loop.n_history % SAMPLE_HISTORY] = token;
        ++loop.n_history;
        uvec2 step = add64(uvec2(loop.step_low, loop.step_high), uvec2(1u, 0u));
        loop.step_low = step.x;
        loop.step_high = step.y;
    }
    results[loop.n_results % SAMPLE_RESULTS] = token;
    ++loop.n_results;
    loop.status = status;
    loop.detail = detail;
    bool repeat = token == NO_TOKEN || next >= pc.n_ctx;
    tokens[0] = repeat ? tokens[step_state.n_tokens - 1u] : token;
    step_state.first_position = repeat ? next - 1u : next;
    step_state.n_tokens = 1u;
    step_state.halted = status;
}

void main() {
    if (step_state.halted != SAMPLE_RUNNING) return;
    n_recent = n_recent_tokens();
    penalty = options.penalty;
    inverse_penalty = options.inverse_penalty;
    inverse_temperature = pc.greedy != 0u ? 0.0 : options.inverse_temperature;
    merge_partials();
    max_logit = key_logit(best_key);
    uint status = check();
    uint token = NO_TOKEN;
    if (status == SAMPLE_RUNNING) {
        token = draw();
        if (token == NO_TOKEN) status = SAMPLE_ERROR_DEVICE;
    }
    uint detail = first_bad == NO_TOKEN ? 0u : first_bad;
    if (gl_LocalInvocationIndex == 0u) advance(token, status, detail);
}
