// The projections that qkv.comp is tested with, and what they give in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/qkv_cases.h"

#include <cmath>

#include "tests/reference/layer_norm.h"
#include "tests/shaders/rounding.h"

namespace gyre::test {
namespace {

constexpr auto kF32 = WeightFormat::kF32;
constexpr auto kF16 = WeightFormat::kF16;
constexpr auto kBf16 = WeightFormat::kBf16;
constexpr auto kQ8 = WeightFormat::kQ8_0;
constexpr auto kQ4 = WeightFormat::kQ4_0;
constexpr auto kQ4K = WeightFormat::kQ4_K;
constexpr auto kQ6K = WeightFormat::kQ6_K;
constexpr auto kCache32 = CacheFormat::kF32;
constexpr auto kCache16 = CacheFormat::kF16;
constexpr auto kCache8 = CacheFormat::kQ8_0;
constexpr auto kHalf = RotaryPairing::kHalf;
constexpr auto kInter = RotaryPairing::kInterleaved;

// clang-format off
const QkvCase kCases[] = {
    // name, format, cache, {heads, kv heads, head_dim}, n_in, {first position, tokens, context}, rotary, tiling, options
    {"one_pair",             kF32,  kCache32, {1, 1, 2},    2,   {5, 1, 8},    rope(kHalf, 2), kDecode},
    {"one_pair_interleaved", kF32,  kCache32, {1, 1, 2},    7,   {0, 3, 3},    rope(kInter, 2), kPrefill},
    {"odd_head",             kF32,  kCache32, {3, 3, 5},    60,  {2, 5, 17},   rope(kHalf, 4), kPrefill},
    {"odd_head_f16_cache",   kF32,  kCache16, {3, 1, 5},    60,  {2, 5, 17},   rove(kInter, 4), kSmall},
    {"half",                 kF32,  kCache16, {3, 3, 20},   60,  {11, 1, 28},  rope(kHalf, 20), kDecode},
    {"interleaved",          kF16,  kCache32, {3, 3, 20},   60,  {11, 2, 28},  rope(kInter, 20), kPrefill},
    {"rove_half",            kBf16, kCache32, {3, 3, 20},   60,  {1, 17, 28},  rove(kHalf, 20), kWidePrefill},
    {"rove_interleaved",     kQ8,   kCache16, {3, 3, 20},   64,  {0, 28, 28},  rove(kInter, 20), kPrefill},
    {"grouped_queries",      kQ4,   kCache32, {12, 4, 20},  96,  {3, 2, 7},    rove(kHalf, 20), kPrefill},
    {"one_kv_head",          kF32,  kCache16, {12, 1, 8},   17,  {3, 1, 7},    rope(kHalf, 8), kDecodeLanes},
    {"partial_half",         kF32,  kCache32, {3, 3, 80},   60,  {9, 2, 11},   rove(kHalf, 20), kPrefill},
    {"partial_interleaved",  kF32,  kCache32, {3, 3, 80},   60,  {9, 2, 11},   rove(kInter, 20), kPrefill},
    {"rope_id",              kF32,  kCache32, {2, 2, 32},   60,  {100, 2, 128}, rope_id(32, ValueRotation::kNone), kDecode},
    {"amplitude",            kF32,  kCache32, {2, 2, 16},   60,  {40, 2, 64},  with_amplitude(rove(kHalf, 16), 1.3), kDecode},
    {"amplitude_partial",    kF32,  kCache32, {2, 2, 16},   60,  {40, 2, 64},  with_amplitude(rove(kInter, 8), 1.3), kDecode},
    {"xpos",                 kF32,  kCache32, {2, 2, 16},   60,  {60, 2, 64},  with_xpos(rope(kHalf, 16)), kDecode},
    {"xpos_rove",            kF32,  kCache32, {2, 2, 16},   60,  {60, 2, 64},  with_xpos(rove(kInter, 16)), kDecode},
    {"rotate_only",          kF32,  kCache32, {2, 2, 16},   60,  {40, 2, 64},  rotate_only(kHalf, 16), kDecode},
    {"vo_rope",              kF32,  kCache32, {2, 2, 16},   60,  {40, 2, 64},  vo_rope(kHalf, 16), kDecode},
    {"nothing_turns",        kF16,  kCache16, {3, 3, 20},   60,  {40, 5, 64},  unrotated(), kPrefill},
    {"without_bias",         kF16,  kCache32, {3, 3, 20},   60,  {4, 5, 64},   rove(kHalf, 20), kPrefill, {.bias = false}},
    {"norm_inside",          kF32,  kCache32, {3, 3, 20},   60,  {4, 1, 16},   rove(kHalf, 20), kDecode, {.norm = true}},
    {"norm_inside_lanes",    kQ8,   kCache16, {4, 2, 16},   64,  {4, 1, 16},   rope(kInter, 16), kDecodeLanes, {.bias = false, .norm = true}},
    {"norm_each_token",      kF32,  kCache32, {3, 3, 20},   60,  {4, 3, 16},   rope(kHalf, 20), kDecode, {.norm = true}},
    {"sliced",               kF16,  kCache32, {6, 3, 10},   60,  {4, 3, 16},   rove(kHalf, 10), kPrefill, {.heads_a_slice = 5}},
    {"gpt2_last_position",   kQ8,   kCache16, {12, 12, 64}, 768, {1023, 1, 1024}, rove(kHalf, 64), kDecode, {.norm = true}},
    {"gpt2_first_position",  kQ4,   kCache16, {12, 12, 64}, 768, {0, 1, 1024}, rope(kHalf, 64), kDecodeLanes, {.norm = true}},
    {"gpt2_prompt",          kF16,  kCache16, {12, 12, 64}, 768, {1007, 17, 1024}, rove(kHalf, 64), kWidePrefill},
    {"gpt2_q4_k",            kQ4K,  kCache16, {12, 12, 64}, 768, {1023, 1, 1024}, rove(kHalf, 64), kDecode, {.norm = true}},
    {"gpt2_q4_k_prompt",     kQ4K,  kCache16, {12, 12, 64}, 768, {7, 9, 16},   rope(kHalf, 64), kPrefill},
    {"gpt2_q6_k",            kQ6K,  kCache16, {12, 12, 64}, 768, {0, 1, 1024}, rope(kHalf, 64), kDecodeLanes, {.norm = true}},
    {"q6_k_sliced",          kQ6K,  kCache32, {6, 3, 10},   256, {4, 3, 16},   rove(kInter, 10), kWidePrefill, {.heads_a_slice = 5}},
    // Scales by four: pairs of which 32 have rows a fixed number apart, and others.
    {"scales_half_64",       kQ8,   kCache32, {3, 1, 64},   96,  {4, 3, 16},   rove(kHalf, 64), kPrefill, {.heads_a_slice = 2}},
    {"scales_half_128",      kQ4,   kCache32, {1, 1, 128},  64,  {4, 3, 16},   rope(kHalf, 128), kPrefill},
    {"scales_half_96",       kQ8,   kCache32, {2, 1, 96},   64,  {4, 2, 16},   rope(kHalf, 96), kPrefill},
    {"scales_half_32",       kQ6K,  kCache32, {2, 1, 32},   256, {4, 2, 16},   rope(kHalf, 32), kPrefill},
    {"scales_half_partial",  kQ4,   kCache32, {2, 1, 64},   64,  {4, 2, 16},   rope(kHalf, 32), kPrefill},
    {"scales_inter_30",      kQ6K,  kCache32, {3, 1, 30},   256, {4, 2, 16},   rope(kInter, 30), kPrefill},
    {"scales_inter_partial", kQ8,   kCache32, {3, 2, 24},   96,  {4, 2, 16},   rope(kInter, 8), kPrefill},
    {"scales_inter_odd",     kQ4,   kCache32, {5, 2, 7},    64,  {4, 2, 16},   rope(kInter, 6), kPrefill},
    {"pythia_head",          kF16,  kCache16, {2, 2, 80},   128, {1000, 3, 1024}, rope(kHalf, 20), kPrefill},
    // Keys and values for a quantised cache go to the state.
    {"q8_0_cache",           kF32,  kCache8,  {3, 3, 20},   60,  {4, 3, 16},   rove(kHalf, 20), kPrefill},
    {"q8_0_cache_grouped",   kQ8,   kCache8,  {4, 2, 34},   64,  {9, 1, 16},   rope(kInter, 34), kDecode, {.norm = true}},
    // CRoPE: complex weights, interleaved pairs.
    {"complex_one_pair",     kF32,  kCache32, {1, 1, 2},    2,   {5, 1, 8},    rope(kInter, 2), kDecode, {.is_complex = true}},
    {"complex_f32",          kF32,  kCache32, {3, 3, 20},   60,  {4, 5, 16},   rope(kInter, 20), kPrefill, {.is_complex = true}},
    {"complex_f16_norm",     kF16,  kCache16, {3, 1, 20},   60,  {4, 1, 16},   rove(kInter, 20), kDecode, {.norm = true, .is_complex = true}},
    {"complex_bf16_lanes",   kBf16, kCache32, {3, 3, 20},   62,  {4, 1, 16},   rope(kInter, 20), kDecodeLanes, {.bias = false, .is_complex = true}},
    {"complex_q8_0",         kQ8,   kCache32, {3, 3, 20},   192, {4, 13, 20},  rope(kInter, 20), kWidePrefill, {.is_complex = true}},
    {"complex_q4_0",         kQ4,   kCache16, {3, 3, 20},   192, {4, 2, 20},   rove(kInter, 8), kSmall, {.is_complex = true}},
    {"complex_q4_k",         kQ4K,  kCache32, {3, 3, 20},   512, {4, 2, 20},   rove(kInter, 20), kSmall, {.is_complex = true}},
    {"complex_q6_k",         kQ6K,  kCache16, {3, 1, 20},   512, {4, 1, 20},   rope(kInter, 20), kDecodeLanes, {.norm = true, .is_complex = true}},
    {"complex_sliced",       kF16,  kCache32, {6, 3, 10},   60,  {4, 3, 16},   rove(kInter, 10), kPrefill, {.heads_a_slice = 5, .is_complex = true}},
    {"complex_gpt2",         kF16,  kCache16, {12, 12, 64}, 768, {1023, 1, 1024}, rope(kInter, 64), kDecode, {.norm = true, .is_complex = true}},
};
// clang-format on

// Columns [first, first + n) of rows [n_rows][n_cols].
std::vector<double> columns(const std::vector<double>& rows, std::size_t n_cols, std::size_t first,
                            std::size_t n) {
    std::vector<double> result;
    for (std::size_t row = 0; row < rows.size(); row += n_cols) {
        const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(row + first);
        result.insert(result.end(), begin, begin + static_cast<std::ptrdiff_t>(n));
    }
    return result;
}

// How a side of the projection is finished.
struct Finish {
    std::uint32_t n_heads;
    bool rotates;
    double amplitude, decay;
    CacheFormat stored_as;
};

// Rotates a side if asked, adds the errors of rotating and storing, and puts it into pair order.
PairRows finished(const QkvCase& c, std::vector<double> y, const std::vector<double>& bounds,
                  const Finish& finish) {
    const auto channels = c.rotary.channel_pairs(c.heads.dim);
    PairRows side{to_pair_order(y, channels, c.heads.dim),
                  to_pair_order(bounds, channels, c.heads.dim)};
    if (finish.rotates) {
        std::vector<double> positions;
        for (std::uint32_t t = 0; t < c.tokens.n; ++t)
            positions.push_back(c.tokens.first + t);
        y = reference::rotate_heads(y, finish.n_heads, c.heads.dim, c.rotary.rotating_pairs(),
                                    positions, finish.amplitude, finish.decay);
        const auto rotated = to_pair_order(y, channels, c.heads.dim);
        // Each new channel is a sum of two products: the errors of both, and of the table, 4
        // roundings.
        for (std::size_t i = 0; i < side.y.size(); i += 2) {
            const double before = std::hypot(side.y[i], side.y[i + 1]);
            const double after = std::hypot(rotated[i], rotated[i + 1]);
            const double growth = before > 0 ? after / before : 1.0;
            const double carried = std::hypot(side.bounds[i], side.bounds[i + 1]) * growth;
            side.bounds[i] = side.bounds[i + 1] = std::sqrt(2.0) * carried + 8 * kUnit * after;
        }
        side.y = rotated;
    }
    if (finish.stored_as == CacheFormat::kF16) {
        for (std::size_t i = 0; i < side.y.size(); ++i) {
            side.bounds[i] += kHalfUnit * (std::abs(side.y[i]) + side.bounds[i]) + kHalfTiny;
        }
    }
    return side;
}

}  // namespace

std::span<const QkvCase> qkv_cases() {
    return kCases;
}

QkvData::QkvData(const QkvCase& qkv_case) : c(qkv_case) {
    reference::Generator generator(41);
    weights = random_weights(c.format, c.options.is_complex, n_rows(), c.n_in, generator);
    x = generator.bells(std::size_t{c.tokens.n} * c.n_in);
    gain = generator.bells(c.n_in);
    if (c.options.bias) norm_bias = generator.bells(c.n_in);
    if (c.options.bias) bias = generator.bells(n_rows());
}

QkvExpected expected_of(const QkvData& data) {
    const QkvCase& c = data.c;
    std::vector<double> x = reference::widen(data.x), x_error(x.size(), 0.0);
    if (c.options.norm) {
        const auto gain = reference::widen(data.gain), bias = reference::widen(data.norm_bias);
        x_error =
            layer_norm_error(x, c.n_in, gain, bias, double{kQkvNormEpsilon}, c.tiling.local_size);
        x = reference::layer_norm(x, c.n_in, gain, bias, double{kQkvNormEpsilon});
    }
    const auto bias = reference::widen(data.bias);
    const auto y = data.weights.product(x, bias);
    auto bounds = data.weights.bounds(x, bias, c.tiling);
    const auto carried = data.weights.magnitude(x_error, {});
    for (std::size_t i = 0; i < bounds.size(); ++i)
        bounds[i] += carried[i];
    const std::size_t n_q = c.heads.n_head * c.heads.dim, n_kv = c.heads.n_head_kv * c.heads.dim,
                      all = data.n_rows();
    const auto side = [&](std::size_t first, std::size_t n, const Finish& finish) {
        return finished(c, columns(y, all, first, n), columns(bounds, all, first, n), finish);
    };
    const RotaryCase& r = c.rotary;
    const HeadShape& h = c.heads;
    return {side(0, n_q, {h.n_head, r.rotate_keys, r.amplitude, 1.0, CacheFormat::kF32}),
            side(n_q, n_kv, {h.n_head_kv, r.rotate_keys, r.amplitude, -1.0, c.cache}),
            side(n_q + n_kv, n_kv, {h.n_head_kv, r.rotates_values(), 1.0, 0.0, c.cache})};
}

}  // namespace gyre::test
