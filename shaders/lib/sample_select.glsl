// Finds a token by its place in the descending order of all tokens, without sorting them.
// SPDX-License-Identifier: Apache-2.0
//
// Needs sampling.glsl, scratch[], `options`, LOCAL_SIZE and `max_logit`. The histogram of sample_weigh
// says in which bin the token is. If few tokens share the bin they are listed and ranked one against
// all; if many do, the bin is cut into SAMPLE_BINS parts, by key and at last by id, until few are left:
// at most MAX_CUTS times, because four cuts tell any two keys apart and four more any two ids.

const uint LIST_SIZE = 256u;
const uint MAX_CUTS = 8u;
const bool BY_COUNT = true;
const bool BY_SUM = false;

shared uint bins[3 * SAMPLE_SLOTS];
shared uint list_key[LIST_SIZE], list_id[LIST_SIZE], list_weight[LIST_SIZE];
shared uint list_length;
shared uint lowest_key, highest_key;
shared uint walked_bin, walked_count;
shared uvec2 walked_sum;
shared uint found_id;
shared uvec2 found_sum;

// What is known of the token, the same in every invocation.
uint in_bin;         // its bin
uint n_here;         // tokens that it may be
uint count_before;   // tokens that come before all of those
uvec2 sum_before;    // and their weights
uvec2 keys_here;     // first and last key
uvec2 ids_here;      // first and last id
uint cut_shift;      // the latest cut is by (key or id - first) >> cut_shift

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
            uvec2 next = add64(sum, uvec2(bins[SAMPLE_SLOTS + b], bins[2u * SAMPLE_SLOTS + b]));
            if (reached(by_count, target, count + bins[b], next)) break;
            count += bins[b];
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
const uint PASS_COUNT = 2u;  // counts them in the bins of the next cut

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
    } else {
        uint part = keys_here.x < keys_here.y ? key - keys_here.x : id - ids_here.x;
        ADD_TO_HISTOGRAM(bins, 0u, part >> cut_shift, 1u, uvec2(weight, 0u));
    }
}

// Visits every token that the token looked for may be. A subset whose best token is in a later bin
// has none of them.
void pass(uint action) {
    uint n_subsets = (pc.n_logits + SAMPLE_BLOCK - 1u) / SAMPLE_BLOCK * SAMPLE_SUBSETS;
    for (uint s = gl_LocalInvocationIndex; s < n_subsets; s += LOCAL_SIZE) {
        uint best = scratch[pc.subsets + s];
        if (best >= KEY_EXCLUDED || best > keys_here.y) continue;
        if (bin_of(exponent_of(best, max_logit, options.inverse_temperature)) > in_bin) continue;
        uint id = s / SAMPLE_SUBSETS * SAMPLE_BLOCK + s % SAMPLE_SUBSETS;
        for (uint i = 0u; i < SAMPLE_BLOCK / SAMPLE_SUBSETS && id < pc.n_logits; ++i) {
            uint key = scratch[pc.keys + id];
            if (key >= keys_here.x && key <= keys_here.y && id >= ids_here.x && id <= ids_here.y) {
                float x = exponent_of(key, max_logit, options.inverse_temperature);
                uint weight = weight_of(x);
                if (weight != 0u && bin_of(x) == in_bin) visit(action, key, id, weight);
            }
            id += SAMPLE_SUBSETS;
        }
    }
}

void find_key_range() {
    barrier();
    if (gl_LocalInvocationIndex == 0u) {
        lowest_key = NO_TOKEN;
        highest_key = 0u;
    }
    barrier();
    pass(PASS_RANGE);
    barrier();
    keys_here = uvec2(lowest_key, highest_key);
}

void cut(bool by_count, uvec2 target) {
    bool by_key = keys_here.x < keys_here.y;
    uint span = by_key ? keys_here.y - keys_here.x : ids_here.y - ids_here.x;
    cut_shift = span < SAMPLE_BINS ? 0u : uint(findMSB(span)) - 7u;
    barrier();  // the bins of before have been read
    for (uint i = gl_LocalInvocationIndex; i < 3u * SAMPLE_SLOTS; i += LOCAL_SIZE) {
        bins[i] = 0u;
    }
    barrier();
    pass(PASS_COUNT);
    walk(by_count, target);
    uint first = (by_key ? keys_here.x : ids_here.x) + (walked_bin << cut_shift);
    uint last = first + (1u << cut_shift) - 1u;
    if (by_key) {
        keys_here = uvec2(first, min(last, keys_here.y));
    } else {
        ids_here = uvec2(first, min(last, ids_here.y));
    }
}

void rank_list(bool by_count, uvec2 target) {
    barrier();
    if (gl_LocalInvocationIndex == 0u) {
        list_length = 0u;
        found_id = NO_TOKEN;
        found_sum = uvec2(0u);
    }
    barrier();
    pass(PASS_LIST);
    barrier();
    uint n = min(list_length, LIST_SIZE);
    for (uint e = gl_LocalInvocationIndex; e < n; e += LOCAL_SIZE) {
        uint count = count_before;
        uvec2 sum = sum_before;
        for (uint f = 0u; f < n; ++f) {
            if (list_key[f] < list_key[e] || (list_key[f] == list_key[e] && list_id[f] < list_id[e])) {
                ++count;
                sum = add64(sum, uvec2(list_weight[f], 0u));
            }
        }
        uvec2 with = add64(sum, uvec2(list_weight[e], 0u));
        if (!reached(by_count, target, count, sum) && reached(by_count, target, count + 1u, with)) {
            found_id = list_id[e];
            found_sum = with;
        }
    }
    barrier();
}

// The first token at which the running count (target.x) or sum of weights reaches the target, which is
// not 0: found_id, and found_sum, its own weight included. NO_TOKEN if there is none.
void select(bool by_count, uvec2 target) {
    barrier();  // the bins of before have been read
    for (uint i = gl_LocalInvocationIndex; i < 3u * SAMPLE_SLOTS; i += LOCAL_SIZE) {
        bins[i] = scratch[pc.histogram + i];
    }
    count_before = 0u;
    sum_before = uvec2(0u);
    walk(by_count, target);
    in_bin = walked_bin;
    keys_here = uvec2(0u, KEY_EXCLUDED - 1u);
    ids_here = uvec2(0u, pc.n_logits - 1u);
    if (n_here > LIST_SIZE) find_key_range();
    for (uint i = 0u; i < MAX_CUTS && n_here > LIST_SIZE; ++i) {
        cut(by_count, target);
    }
    rank_list(by_count, target);
}
