// Makes descending keys from logits, with the repetition penalty: the same in every kernel of the sampler.
// SPDX-License-Identifier: Apache-2.0
//
// Needs sampling.glsl, logits4[], `options` and `loop`. Keys are made from the logits wherever they are
// needed: writing 50,257 of them takes longer than making them three times.

// Tokens of the history that the penalty concerns.
uint n_recent_tokens() {
    return min(min(options.window, loop.n_history), SAMPLE_HISTORY);
}

// Keys of the tokens id .. id + 3. marks: bit e is set if id + e is penalised.
uvec4 falling_keys(uint id, uint marks, float penalty, float inverse) {
    const uvec4 e = uvec4(0u, 1u, 2u, 3u);
    uvec4 bits = uvec4(EXCLUDED_BITS);
    if (id < pc.n_logits) bits = logits4[id / 4u];
    bits = mix(uvec4(EXCLUDED_BITS), canonical_bits(bits), lessThan(id + e, uvec4(pc.n_logits)));
    bvec4 marked = notEqual(uvec4(marks) >> e & 1u, uvec4(0u));
    return falling_key(mix(bits, penalized_bits(bits, penalty, inverse), marked));
}
