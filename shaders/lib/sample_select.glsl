// Finds a token by its place in the descending order of all tokens, without sorting them.
// SPDX-License-Identifier: Apache-2.0
//
// Needs sample_keys.glsl, scratch[] and LOCAL_SIZE. The histogram of sample_weigh
// says in which bin the token is. If few tokens share the bin they are listed and ranked one against
// all; if many do, the bin is cut into SAMPLE_BINS parts, by key and at last by id, until few are left:
// at most MAX_CUTS times, because four cuts tell any two keys apart and four more any two ids.

const uint LIST_SIZE = 256u;
const uint SUBSET_LIST_SIZE = 2048u;
const uint MAX_CUTS = 8u;

shared uint bins[3 * SAMPLE_SLOTS];
shared uint list_key[LIST_SIZE], list_id[LIST_SIZE], list_weight[LIST_SIZE];
shared uint list_length;
shared uint listed_subsets[SUBSET_LIST_SIZE];
shared uint n_listed;
shared uint lowest_key, highest_key;
shared uint walked_bin, walked_count;
shared uvec2 walked_sum;
shared uint found_id;
shared uvec2 found_sum;

// What the kernel sets before it selects.
float max_logit, inverse_temperature, penalty, inverse_penalty;
uint n_recent;

// What is known of the token, the same in every invocation.
uint in_bin;        // its bin
uint n_here;        // tokens that it may be
uint count_before;  // tokens that come before all of those
uvec2 sum_before;   // and their weights
uvec2 keys_here;    // first and last key
uvec2 ids_here;     // first and last id
uint cut_shift;     // the latest cut is by (key or id - first) >> cut_shift

bool reached(bool by_count, uvec2 target, uint count, uvec2 sum) {
    return by_count ? count >= target.x : !less64(sum, target);
}

// The first slot of `bins` at which the running count or sum reaches the target.
void walk(bool by_count, uvec2 target) {
    barrier();  // the bins are complete
    if (gl_LocalInvocationIndex == 0u) {
        uint count = count_before;
        uvec2 sum = sum_before;
        uint b = 0u;
        for (; b < SAMPLE_BINS - 1u; ++b) {
            uint next_count = count + bins[b];
            uvec2 next = add64(sum, uvec2(bins[SAMPLE_SLOTS + b], bins[2u * SAMPLE_SLOTS + b]));
            if (reached(by_count, target, next_count, next)) break;
            count = next_count;
            sum = next;
        }
        walked_bin = b;
        walked_count = count;
        walked_sum = sum;
    }
    barrier();
    count_before = walked_count;
    sum_before = walked_sum;
    n_here = bins[walked_bin];
}

const uint PASS_LIST = 0u;   // puts the tokens into the list
const uint PASS_RANGE = 1u;  // finds their lowest and highest key
const uint PASS_CUT = 2u;    // counts them in the bins of the next cut
const uint PASS_FIRST = 3u;  // finds the lowest id

void visit(uint action, uint key, uint id, uint weight) {
    if (action == PASS_LIST) {
        uint at = atomicAdd(list_length, 1u);
        if (at >= LIST_SIZE) return;
        list_key[at] = key;
        list_id[at] = id;
        list_weight[at] = weight;
    } else if (action == PASS_RANGE) {
        atomicMin(lowest_key, key);
        atomicMax(highest_key, key);
    } else if (action == PASS_FIRST) {
        atomicMin(found_id, id);
    } else {
        uint part = keys_here.x < keys_here.y ? key - keys_here.x : id - ids_here.x;
        ADD_TO_HISTOGRAM(bins, 0u, part >> cut_shift, 1u, uvec2(weight, 0u));
    }
}

// The first token of a subset's quad q.
uint quad_id(uint subset, uint q) {
    uint block = subset / SAMPLE_SUBSETS;
    return block * SAMPLE_BLOCK + 4u * (subset % SAMPLE_SUBSETS + q * SAMPLE_SUBSETS);
}

uvec4 keys_at(uint id) {
    uint marks = n_recent != 0u ? scratch[pc.marks + id / 32u] >> (id % 32u) : 0u;
    return falling_keys(id, marks, penalty, inverse_penalty);
}

// Visits every token that the token looked for may be. Most subsets have none, because their best
// token is in a later bin; the others are listed first, so that all invocations have work.
void pass(uint action) {
    uint n_subsets = (pc.n_logits + SAMPLE_BLOCK - 1u) / SAMPLE_BLOCK * SAMPLE_SUBSETS;
    for (uint first = 0u; first < n_subsets; first += SUBSET_LIST_SIZE) {
        barrier();
        if (gl_LocalInvocationIndex == 0u) n_listed = 0u;
        barrier();
        uint end = min(n_subsets, first + SUBSET_LIST_SIZE);
        for (uint s = first + gl_LocalInvocationIndex; s < end; s += LOCAL_SIZE) {
            uint best = scratch[pc.subsets + s];
            vec4 x = exponent_of(uvec4(best), max_logit, inverse_temperature);
            if (best <= keys_here.y && bin_of(x).x <= in_bin) {
                listed_subsets[atomicAdd(n_listed, 1u)] = s;
            }
        }
        barrier();
        uint n_quads = n_listed * SAMPLE_QUADS;
        for (uint i = gl_LocalInvocationIndex; i < n_quads; i += LOCAL_SIZE) {
            uint id = quad_id(listed_subsets[i / SAMPLE_QUADS], i % SAMPLE_QUADS);
            uvec4 ids = id + uvec4(0u, 1u, 2u, 3u);
            uvec4 keys = keys_at(id);
            vec4 x = exponent_of(keys, max_logit, inverse_temperature);
            uvec4 weights = weight_of(keys, x);
            uint here = bits_of(equal(keys, clamp(keys, keys_here.x, keys_here.y))) &
                        bits_of(equal(ids, clamp(ids, ids_here.x, ids_here.y))) &
                        bits_of(equal(bin_of(x), uvec4(in_bin))) & bits_of(notEqual(weights, uvec4(0u)));
            for (; here != 0u; here &= here - 1u) {
                uint e = uint(findLSB(here));
                visit(action, component(keys, e), id + e, component(weights, e));
            }
        }
    }
}

// Makes what the pass writes ready for it.
void prepare(uint action) {
    barrier();  // all of it has been read
    if (gl_LocalInvocationIndex == 0u) {
        list_length = 0u;
        lowest_key = NO_TOKEN;
        highest_key = 0u;
        found_id = NO_TOKEN;
        found_sum = uvec2(0u);
    }
    for (uint i = gl_LocalInvocationIndex; action == PASS_CUT && i < 3u * SAMPLE_SLOTS; i += LOCAL_SIZE) {
        bins[i] = 0u;
    }
    uint span = keys_here.x < keys_here.y ? keys_here.y - keys_here.x : ids_here.y - ids_here.x;
    cut_shift = span < SAMPLE_BINS ? 0u : uint(findMSB(span)) - 7u;
    barrier();
}

// The part of the cut that the walk has found.
void keep_part() {
    bool by_key = keys_here.x < keys_here.y;
    uint first = (by_key ? keys_here.x : ids_here.x) + (walked_bin << cut_shift);
    uint last = min(first + (1u << cut_shift) - 1u, by_key ? keys_here.y : ids_here.y);
    if (by_key) {
        keys_here = uvec2(first, last);
    } else {
        ids_here = uvec2(first, last);
    }
}

void rank_list(bool by_count, uvec2 target) {
    barrier();  // the list is complete
    uint n = min(list_length, LIST_SIZE);
    for (uint e = gl_LocalInvocationIndex; e < n; e += LOCAL_SIZE) {
        uint key = list_key[e], id = list_id[e];
        uint count = count_before;
        uvec2 sum = sum_before;
        for (uint f = 0u; f < n; ++f) {
            bool before = list_key[f] < key || (list_key[f] == key && list_id[f] < id);
            count += uint(before);
            sum = add64(sum, uvec2(before ? list_weight[f] : 0u, 0u));
        }
        uvec2 with = add64(sum, uvec2(list_weight[e], 0u));
        if (!reached(by_count, target, count, sum) && reached(by_count, target, count + 1u, with)) {
            found_id = id;
            found_sum = with;
        }
    }
    barrier();
}

// The first token at which the running count (target.x) or sum of weights reaches the target, which is
// not 0: found_id, and found_sum, its own weight included. NO_TOKEN if there is none. Greedy: the first
// token of all, without the histogram.
// One loop with one pass in it: drivers inline every call, and compile for seconds otherwise.
void select(bool by_count, uvec2 target) {
    barrier();  // the bins of before have been read
    for (uint i = gl_LocalInvocationIndex; i < 3u * SAMPLE_SLOTS; i += LOCAL_SIZE) {
        bins[i] = scratch[pc.histogram + i];
    }
    count_before = 0u;
    sum_before = uvec2(0u);
    keys_here = uvec2(0u, KEY_EXCLUDED - 1u);
    ids_here = uvec2(0u, pc.n_logits - 1u);
    bool in_histogram = true, knows_range = false;
    uint action = PASS_CUT;
    if (pc.greedy != 0u) {
        keys_here = uvec2(best_key);
        in_bin = 0u;  // exponents are 0
        action = PASS_FIRST;
    }
    for (uint i = 0u; i < MAX_CUTS + 3u; ++i) {
        if (action == PASS_CUT) {
            walk(by_count, target);
            if (in_histogram) {
                in_bin = walked_bin;
                if (in_bin == SAMPLE_BINS - 1u) n_here = bins[SAMPLE_SLOT_TOTAL] - count_before;
            } else {
                keep_part();
            }
            in_histogram = false;
        } else if (action == PASS_RANGE) {
            barrier();
            keys_here = uvec2(lowest_key, highest_key);
            knows_range = true;
        }
        if (action != PASS_FIRST) {
            action = n_here <= LIST_SIZE ? PASS_LIST : knows_range ? PASS_CUT : PASS_RANGE;
        }
        prepare(action);
        pass(action);
        if (action == PASS_LIST || action == PASS_FIRST) break;
    }
    rank_list(by_count, target);
}
