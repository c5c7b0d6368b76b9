// Soft caps of scores and logits: cap * tanh(x / cap). Gemma Team, arXiv:2408.00118, section 2.
// SPDX-License-Identifier: Apache-2.0

// Below 1/2 by Lambert's continued fraction, which is exact to 1e-9 there: 1 - exp would cancel.
float soft_cap(float x, float cap) {
    float u = abs(x) / cap;
    float s = u * u;
    float small = u * (945.0 + s * (105.0 + s)) / (945.0 + s * (420.0 + 15.0 * s));
    float e = exp(-2.0 * u);
    float t = cap * (u < 0.5 ? small : (1.0 - e) / (1.0 + e));
    return x < 0.0 ? -t : t;
}
