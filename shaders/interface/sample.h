// sample_scan.comp, sample_weigh.comp, sample_pick.comp: from the logits to the next token.
// SPDX-License-Identifier: Apache-2.0
//
// The order of operations, and every bit of the result, is that of runtime/text/sampler.h. Candidates
// are ordered by "falling key", a 32-bit number that falls as the logit rises, then by id.
#ifndef GYRE_INTERFACE_SAMPLE_H
#define GYRE_INTERFACE_SAMPLE_H

#include "bindings.h"

#define SAMPLE_BLOCK   2048  // logits a workgroup of sample_scan and sample_weigh
#define SAMPLE_QUADS   4     // a subset: so many vec4 of logits,
#define SAMPLE_SUBSETS 128   // this far apart; subsets of a block
#define SAMPLE_HISTORY 1024  // tokens that the ring of the history holds; the largest window
#define SAMPLE_RESULTS 256   // tokens that the ring of results holds

#define NO_TOKEN     0xffffffffu
#define KEY_LARGEST  0x00800000u  // falling key of the largest float; below are +infinity and NaN
#define KEY_EXCLUDED 0xff800000u  // falling key of -infinity, and of padding; above are NaN

// Scratch words: a record a block, the histogram of weights, the best key of every subset, and a bit
// for every token that the repetition penalty concerns.
#define SAMPLE_PARTIAL_WORDS 3   // best key, id of the first bad key, 1 if the history has a bad token
#define SAMPLE_BINS          256 // of 1/32 of the exponent each; the last one holds all the rest
#define SAMPLE_SLOT_FLOOR    256 // weights that min_p lets pass
#define SAMPLE_SLOT_TOTAL    257 // all weights
#define SAMPLE_SLOTS         258 // histogram: uint [count, sum low, sum high][SAMPLE_SLOTS]

// Why a loop of decoded tokens ended.  X(id, NAME, Name)
#define SAMPLE_STATUS_LIST(X)                                                                   \
    X(0, RUNNING, Running)                                                                      \
    X(1, STOP_TOKEN, StopToken)         /* the result is options.stop_token                  */ \
    X(2, STOP_COUNT, StopCount)         /* options.max_tokens results                        */ \
    X(3, STOP_CONTEXT, StopContext)     /* no cell is free for the token                     */ \
    X(4, ERROR_NAN, ErrorNan)           /* the logit of token `detail`                       */ \
    X(5, ERROR_INFINITE, ErrorInfinite) /* the logit of token `detail` is +infinity          */ \
    X(6, ERROR_EXCLUDED, ErrorExcluded) /* all logits are -infinity                          */ \
    X(7, ERROR_HISTORY, ErrorHistory)   /* a token of the history is outside the vocabulary  */ \
    X(8, ERROR_DEVICE, ErrorDevice)     /* sums do not agree: the device's arithmetic is off */

#define SAMPLE_RUNNING        0u
#define SAMPLE_STOP_TOKEN     1u
#define SAMPLE_STOP_COUNT     2u
#define SAMPLE_STOP_CONTEXT   3u
#define SAMPLE_ERROR_NAN      4u
#define SAMPLE_ERROR_INFINITE 5u
#define SAMPLE_ERROR_EXCLUDED 6u
#define SAMPLE_ERROR_HISTORY  7u
#define SAMPLE_ERROR_DEVICE   8u

// The token ids lie so many bytes after StepState, in the same buffer: what Vulkan asks for at most
// between two bindings.
#define SAMPLE_TOKENS_OFFSET 256

INTERFACE_BEGIN

// Written by the host while no submission is under way; make_sample_options() fills it.
struct SampleOptions {
    float inverse_temperature;  // unused where the recording is greedy
    uint top_k;                 // 0: off
    uint top_p_low;             // top_p * 2^64, cut off; both words all ones: off
    uint top_p_high;
    uint min_weight;            // smallest weight that min_p lets pass; at least 1
    float penalty;
    float inverse_penalty;      // 1 / penalty, rounded once
    uint window;                // latest tokens of the history that are penalised, at most SAMPLE_HISTORY
    uint seed_low;
    uint seed_high;
    uint stop_token;            // NO_TOKEN: none
    uint max_tokens;            // results after which the loop stops; 0xffffffff: no end
};

// Written by the host before a loop, advanced by the device with every token.
struct SampleLoop {
    uint step_low;   // of the next draw: random_bits(seed, step)
    uint step_high;
    uint n_history;  // tokens written to the history: token i is history[i % SAMPLE_HISTORY]
    uint n_results;  // results written: result i is results[i % SAMPLE_RESULTS]
    uint status;     // SAMPLE_STATUS_LIST; equal to StepState::halted after a sampled token
    uint detail;     // of the status, or 0
};

struct SampleParams {
    uint n_logits;   // tokens to choose from; the logits after them are padding
    uint n_ctx;      // cells of the cache
    uint greedy;     // 1: the largest logit, and sample_weigh is left out
    uint partials;   // scratch word of [n_blocks][SAMPLE_PARTIAL_WORDS]
    uint histogram;  // scratch word of [3][SAMPLE_SLOTS]
    uint subsets;    // scratch word of [n_blocks][SAMPLE_SUBSETS] smallest keys
    uint marks;      // scratch word of [n_blocks][SAMPLE_BLOCK / 32] bits: penalised tokens
};
PUSH_CONSTANTS(SampleParams);

#ifdef __cplusplus
static_assert(SAMPLE_BLOCK == 4 * SAMPLE_QUADS * SAMPLE_SUBSETS);
enum class SampleStatus : uint {
#define GYRE_ENUM_ENTRY(id, NAME, name) k##name = id,
    SAMPLE_STATUS_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
// The sampler's control buffer, as the host sees it.
struct SampleControl {
    SampleOptions options;
    SampleLoop loop;
    uint results[SAMPLE_RESULTS];  // NO_TOKEN where the status is an error
    uint history[SAMPLE_HISTORY];
};
static_assert(sizeof(SampleControl) == sizeof(SampleOptions) + sizeof(SampleLoop) +
                                           4 * (SAMPLE_RESULTS + SAMPLE_HISTORY));
#else
#define SAMPLE_CONTROL_MEMBERS    \
    SampleOptions options;        \
    SampleLoop loop;              \
    uint results[SAMPLE_RESULTS]; \
    uint history[];
#define SAMPLE_BATCH_MEMBERS                   \
    StepState step_state;                      \
    uint gap[SAMPLE_TOKENS_OFFSET / 4 - 4];    \
    uint tokens[];
#endif

INTERFACE_END

#endif
