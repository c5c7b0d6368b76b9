// What must hold between runs of the kernels, whatever the numbers are.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "tests/conformance/attention_block.h"
#include "tests/reference/generator.h"
#include "tests/support/gpu_fixture.h"

namespace gyre::test {
namespace {

// Two heads a group; results are of the order of 1. Rounding alone stays below this: float32 sums
// of 32 terms, carried through softmax.
constexpr double kRounding = 2e-5;

struct Variant {
    const char* name;
    RotaryPairing pairing;
    bool rotate_keys;
    ValueRotation values;
    bool rope_id;
    bool xpos;
};

const Variant kVariants[] = {
    {"rope", RotaryPairing::kHalf, true, ValueRotation::kNone, false, false},
    {"rope_interleaved", RotaryPairing::kInterleaved, true, ValueRotation::kNone, false, false},
    {"rove", RotaryPairing::kHalf, true, ValueRotation::kRove, false, false},
    {"rove_interleaved", RotaryPairing::kInterleaved, true, ValueRotation::kRove, false, false},
    {"vo_rope", RotaryPairing::kHalf, false, ValueRotation::kRove, false, false},
    {"rope_id", RotaryPairing::kHalf, true, ValueRotation::kNone, true, false},
    {"rove_rope_id", RotaryPairing::kHalf, true, ValueRotation::kRove, true, false},
    {"rotate_only", RotaryPairing::kHalf, true, ValueRotation::kRotateOnly, false, false},
    {"xpos", RotaryPairing::kHalf, true, ValueRotation::kNone, false, true},
    {"rove_xpos", RotaryPairing::kHalf, true, ValueRotation::kRove, false, true},
};

class IdentityTest : public GpuTest, public testing::WithParamInterface<Variant> {
  protected:
    static constexpr std::uint32_t kHeadDim = 8, kHeads = 4, kKvHeads = 2, kTokens = 13;

    IdentityTest() {
        config_.n_embd = kHeads * kHeadDim;
        config_.n_head = kHeads;
        config_.n_head_kv = kKvHeads;
        config_.head_dim = kHeadDim;
        reference::Generator generator(11);
        const std::size_t n_rows = config_.n_qkv();
        x_ = generator.bells(std::size_t{kTokens} * config_.n_embd);
        weight_ = generator.bells(n_rows * config_.n_embd, 0.25f);
        bias_ = generator.bells(n_rows, 0.5f);
        block_.config = &config_;
        block_.n_tokens = block_.n_prompt = kTokens;
        block_.x = x_;
        block_.weight = weight_;
        block_.bias = bias_;
        set_variant(GetParam());
    }
    static void TearDownTestSuite() { table().reset(); }

    void set_variant(const Variant& variant) {
        RotaryRecipe recipe;
        recipe.rotary_dim = kHeadDim;
        recipe.pairing = variant.pairing;
        recipe.rotate_keys = variant.rotate_keys;
        recipe.values = variant.values;
        recipe.xpos = variant.xpos;
        if (variant.rope_id) recipe.inv_freq = rope_id_inv_freq(kHeadDim, 1024);
        block_.spec = make_rotary_spec(recipe, kHeadDim, 2048);
    }
    std::vector<float> run() {
        if (!table()) table().emplace(device());
        auto mix = run_attention_block(device(), *table(), block_);
        EXPECT_OK(mix);
        return mix.ok() ? std::move(mix).value() : std::vector<float>{};
    }
    // The tokens from `first` on, as a prompt of their own.
    std::vector<float> run_from(std::uint32_t first) {
        const AttentionBlock whole = block_;
        block_.x = whole.x.subspan(std::size_t{first} * config_.n_embd);
        block_.n_tokens = block_.n_prompt = kTokens - first;
        std::vector<float> mix = run();
        block_ = whole;
        return mix;
    }
    std::vector<float> last_row(const std::vector<float>& mix) const {
        return {mix.end() - static_cast<std::ptrdiff_t>(config_.n_embd), mix.end()};
    }
    bool rotates_values() const { return block_.spec.values != ValueRotation::kNone; }

    ModelConfig config_;
    std::vector<float> x_, weight_, bias_;
    AttentionBlock block_;

  private:
    static std::optional<KernelTable>& table() {
        static std::optional<KernelTable> kernels;
        return kernels;
    }
};

double distance(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size() || a.empty()) return HUGE_VAL;
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double error = std::abs(double{a[i]} - double{b[i]});
        largest = std::max(largest, std::isnan(error) ? HUGE_VAL : error);
    }
    return largest;
}

// Only differences of positions count, except where values are rotated and never rotated back.
TEST_P(IdentityTest, AConstantAddedToAllPositionsChangesNothing) {
    const std::vector<float> at_zero = run();
    const bool absolute = block_.spec.values == ValueRotation::kRotateOnly;
    for (const std::uint32_t first : {1u, 4096u, 1048000u}) {
        block_.first_position = first;
        const double changed = distance(run(), at_zero);
        EXPECT_EQ(changed > kRounding, absolute) << "first position " << first << ": " << changed;
    }
}

// A token that sees only itself: its value comes back as it was, unless it is never rotated back.
TEST_P(IdentityTest, OneTokenIsItsValue) {
    const bool absolute = block_.spec.values == ValueRotation::kRotateOnly;
    block_.n_tokens = block_.n_prompt = 1;
    block_.first_position = 777;
    const std::vector<float> rotated = run();
    set_variant(kVariants[0]);
    EXPECT_EQ(distance(rotated, run()) > 1e-6, absolute);
}

// Bit for bit: a prompt is its tokens one by one.
TEST_P(IdentityTest, PromptEqualsItsTokensOneByOne) {
    const std::vector<float> at_once = run();
    block_.split_sums = false;
    for (const std::uint32_t n_prompt : {1u, 5u, 12u}) {
        block_.n_prompt = n_prompt;
        EXPECT_EQ(distance(run(), at_once), 0.0) << n_prompt << " tokens at once";
    }
}

// A context shift: the token after it sees what a fresh prompt of the remaining tokens would.
TEST_P(IdentityTest, ShiftEqualsAFreshPrompt) {
    constexpr std::uint32_t kDropped = 5;
    const std::vector<float> fresh = last_row(run_from(kDropped));
    block_.n_prompt = kTokens - 1;
    block_.n_dropped = kDropped;
    EXPECT_LE(distance(last_row(run()), fresh), kRounding);
    // A half has 11 bits, and the shift rounds once more.
    block_.cache = CacheFormat::kF16;
    EXPECT_LE(distance(last_row(run()), fresh), 1e-2);
    block_.cache = CacheFormat::kQ8_0;
    EXPECT_LE(distance(last_row(run()), fresh), 1e-1);
}

// The check above would see a shift that forgets the values.
TEST_P(IdentityTest, ShiftOfTheKeysAloneIsCaught) {
    if (!rotates_values()) return;  // nothing to forget
    constexpr std::uint32_t kDropped = 5;
    const std::vector<float> fresh = last_row(run_from(kDropped));
    block_.n_prompt = kTokens - 1;
    block_.n_dropped = kDropped;
    block_.shift_rotates_values = false;
    EXPECT_GT(distance(last_row(run()), fresh), 0.2);
}

// The amplitude of YaRN and LongRoPE is a factor on queries and keys and reaches no value.
TEST_P(IdentityTest, AmplitudeDoesNotScaleValues) {
    block_.n_tokens = block_.n_prompt = 1;
    const std::vector<float> plain = run();
    block_.spec.amplitude = 1.5;
    EXPECT_LE(distance(run(), plain), 1e-6);
}

// CRoPE from the halves equals the dense matrix that they stand for.
TEST_P(IdentityTest, ComplexEqualsItsDenseExpansion) {
    if (block_.spec.pairing != RotaryPairing::kInterleaved) return;  // complex numbers are pairs
    const std::size_t n_in = config_.n_embd / 2, n_out = config_.n_qkv() / 2;
    const std::vector<float> re(weight_.begin(),
                                weight_.begin() + static_cast<std::ptrdiff_t>(n_out * n_in));
    const std::vector<float> im(weight_.begin() + static_cast<std::ptrdiff_t>(n_out * n_in),
                                weight_.begin() + static_cast<std::ptrdiff_t>(2 * n_out * n_in));
    std::vector<float> dense(4 * n_out * n_in);
    for (std::size_t r = 0; r < n_out; ++r) {
        for (std::size_t c = 0; c < n_in; ++c) {
            const std::size_t at = 2 * r * config_.n_embd + 2 * c;
            dense[at] = dense[at + config_.n_embd + 1] = re[r * n_in + c];
            dense[at + config_.n_embd] = im[r * n_in + c];
            dense[at + 1] = -im[r * n_in + c];
        }
    }
    block_.weight = dense;
    const std::vector<float> expanded = run();
    block_.weight = re;
    block_.imaginary = im;
    EXPECT_LE(distance(run(), expanded), kRounding);
}

INSTANTIATE_TEST_SUITE_P(Variants, IdentityTest, testing::ValuesIn(kVariants),
                         [](const auto& variant) { return std::string(variant.param.name); });

}  // namespace
}  // namespace gyre::test
