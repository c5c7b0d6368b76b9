// A spec's operations, and what fusing makes of them. Needs no device.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/engine/activation_layout.h"
#include "runtime/engine/fuse.h"

namespace gyre {
namespace {

ModelSpec small_spec() {
    ModelSpec spec;
    spec.n_vocab = 100;
    spec.n_ctx = 32;
    spec.n_embd = 27;
    spec.n_layer = 2;
    spec.n_head = 3;
    spec.n_head_kv = 1;
    spec.head_dim = 9;
    spec.n_ff = 40;
    return spec;
}

std::vector<std::string> names(const Operations& operations) {
    std::vector<std::string> names;
    for (const Operation& operation : operations)
        names.push_back(operation.name);
    return names;
}

const Operation& find(const Operations& operations, const std::string& name) {
    return *std::find_if(operations.begin(), operations.end(),
                         [&](const Operation& operation) { return operation.name == name; });
}

using Names = std::vector<std::string>;

TEST(Plan, IsALayerAsItIsComputed) {
    ModelSpec spec = small_spec();
    spec.n_layer = 1;
    EXPECT_EQ(names(plan(spec).body), (Names{"embed", "norm", "qkv", "rotary", "attention",
                                             "project", "norm", "up_activate", "down"}));
    EXPECT_EQ(names(plan(spec).head), (Names{"norm", "logits"}));
    spec.parallel_residual = true;  // both blocks read x before it is added to
    EXPECT_EQ(names(plan(spec).body), (Names{"embed", "norm", "qkv", "rotary", "attention", "norm",
                                             "up_activate", "project", "down"}));
}

TEST(Plan, TheNormOfTheEmbeddingsIsInPlace) {
    ModelSpec spec = small_spec();
    spec.embedding_norm = true;
    const Operations body = plan(spec).body;
    EXPECT_EQ(body[1].name, "embedding_norm");
    EXPECT_EQ(body[1].norm_id(), (NormId{NormRole::kEmbd, kNoLayer}));
    EXPECT_EQ(body[1].in, Place::kX);
    EXPECT_EQ(body[1].out, Place::kX);
    EXPECT_EQ(profile_label(body[1]), "embedding_norm") << "nothing else's time has it";
}

// Catches: an operation that reads a place which nothing before it has written.
TEST(Plan, WhatIsReadWasWritten) {
    for (const bool parallel : {false, true}) {
        ModelSpec spec = small_spec();
        spec.parallel_residual = parallel;
        std::vector<Place> written;
        for (const Operation& operation : plan(spec).all()) {
            if (operation.in != Place::kNone) {
                EXPECT_NE(std::count(written.begin(), written.end(), operation.in), 0)
                    << operation.name;
            }
            written.push_back(operation.out);
        }
    }
}

TEST(Plan, MatricesComeOnceInTheOrderOfTheirUse) {
    ModelSpec spec = small_spec();
    const auto order = matrices_of(spec, plan(spec));
    ASSERT_EQ(order.size(), 1 + 4 * spec.n_layer + 1);
    EXPECT_EQ(order.front(), (MatrixId{MatrixRole::kTokenEmbd, kNoLayer}));
    EXPECT_EQ(order[1], (MatrixId{MatrixRole::kAttnQkv, 0}));
    EXPECT_EQ(order[8], (MatrixId{MatrixRole::kFfnDown, 1}));
    EXPECT_EQ(order.back(), (MatrixId{MatrixRole::kOutput, kNoLayer}));
    spec.tied = true;
    EXPECT_EQ(matrices_of(spec, plan(spec)).back(), (MatrixId{MatrixRole::kFfnDown, 1}));
}

TEST(Fuse, AStoreIsAProductsEpilogue) {
    const Operations fused = fuse(plan(small_spec()).body, {});
    EXPECT_EQ(fused.size(), 1 + 7 * 2u);
    const Operation& product = find(fused, "qkv_rotary");
    EXPECT_EQ(product.then, Then::kStore);
    EXPECT_EQ(product.in, Place::kNormed);
    EXPECT_EQ(product.out, Place::kQ);
    EXPECT_EQ(profile_label(product), "norm_qkv_rotary");

    const Operations quantized = fuse(plan(small_spec()).body, {.cache_has_scales = true});
    EXPECT_EQ(quantized.size(), 1 + 8 * 2u);
    const Operation& quantize = find(quantized, "quantize_cache");
    EXPECT_EQ(quantize.layer, 0u);
    EXPECT_EQ(quantize.in, Place::kKv);
}

TEST(Fuse, NormsGoIntoWhatReadsThem) {
    FuseRules rules{.norms = NormPlace::kInside};
    rules.norm_fits = [](const Operation&) { return true; };
    const Operations fused = fuse(plan(small_spec()).all(), rules);
    EXPECT_EQ(fused.size(), 1 + 5 * 2 + 1u);
    EXPECT_EQ(find(fused, "logits").norm_id(), (NormId{NormRole::kOutput, kNoLayer}));
    const Operation& up = find(fused, "up_activate");
    EXPECT_EQ(up.in, Place::kX);
    EXPECT_EQ(up.norm_place, NormPlace::kInside);
    EXPECT_EQ(up.norm_id(), (NormId{NormRole::kFfn, 0}));
    EXPECT_EQ(profile_label(up), "norm_up_activate");

    rules.norm_fits = [](const Operation& product) { return product.name != "up_activate"; };
    EXPECT_EQ(fuse(plan(small_spec()).all(), rules).size(), 1 + 6 * 2 + 1u);
}

// Catches: queries that a product stores before they are clamped or normalised.
TEST(Fuse, AStoreThatClampsOrNormalisesStaysApart) {
    ModelSpec spec = small_spec();
    spec.attention.clamp = 1.0f;
    EXPECT_EQ(names(fuse(plan(spec).body, {})), names(plan(spec).body));
    spec.attention.clamp = 0.0f;
    spec.attention.qk_norm = QkNorm::kRows;
    EXPECT_EQ(names(fuse(plan(spec).body, {})), names(plan(spec).body));
}

// Catches: a norm of x in place that goes into one of the products which read x.
TEST(Fuse, TheNormOfTheEmbeddingsStaysApart) {
    ModelSpec spec = small_spec();
    spec.n_layer = 1;
    spec.embedding_norm = true;
    spec.norm_placement = NormPlacement::kAfter;
    FuseRules rules{.norms = NormPlace::kInside};
    rules.norm_fits = [](const Operation&) { return true; };
    Operations operations = plan(spec).body;
    operations.resize(3);  // embed, norm, the only product that reads it
    EXPECT_EQ(names(fuse(operations, rules)), (Names{"embed", "embedding_norm", "qkv"}));
}

// Catches: a norm that only the first of two readers gets.
TEST(Fuse, ANormThatTwoReadStaysApart) {
    Operations operations = plan(small_spec()).body;
    operations.resize(3);  // embed, norm, qkv
    operations.push_back(operations.back());
    FuseRules rules{.norms = NormPlace::kInside};
    rules.norm_fits = [](const Operation&) { return true; };
    EXPECT_EQ(names(fuse(operations, rules)), (Names{"embed", "norm", "qkv", "qkv"}));
    operations.pop_back();
    EXPECT_EQ(names(fuse(operations, rules)), (Names{"embed", "qkv"}));
}

TEST(Fuse, NormsGoToTheEndOfTheSum) {
    const FuseRules rules{.norms = NormPlace::kAfter};
    const Operations fused = fuse(plan(small_spec()).all(), rules);
    EXPECT_EQ(fused.size(), 2 + 5 * 2 + 1u);
    EXPECT_EQ(fused[1].name, "norm") << "no product has made the first x";
    EXPECT_EQ(find(fused, "project").norm_id(), (NormId{NormRole::kFfn, 0}));
    EXPECT_EQ(find(fused, "down").norm_id(), (NormId{NormRole::kAttn, 1})) << "the next layer's";
    EXPECT_EQ(fused[fused.size() - 2].norm_id(), (NormId{NormRole::kOutput, kNoLayer}));
    EXPECT_EQ(profile_label(find(fused, "up_activate")), "norm_up_activate");
    EXPECT_EQ(profile_label(find(fused, "project")), "project");
    EXPECT_EQ(profile_label(fused[1]), "") << "it counts for what reads it";
}

TEST(Fuse, NormsOfAParallelResidualFollowNoSum) {
    ModelSpec spec = small_spec();
    EXPECT_TRUE(norms_follow_sums(plan(spec).all()));
    spec.parallel_residual = true;
    EXPECT_FALSE(norms_follow_sums(plan(spec).all()));
}

// Catches: places that overlap, and memory for places that nothing uses.
TEST(ActivationLayoutTest, HasRoomForWhatThePlanUses) {
    const ModelSpec spec = small_spec();
    const std::vector<RotarySpec> rotary = {make_unrotated_spec(spec.head_dim)};
    for (const CacheFormat cache : {CacheFormat::kF16, CacheFormat::kQ8_0}) {
        const auto layout =
            ActivationLayout::of(spec, rotary, CacheShape::of(spec, cache, spec.n_ctx), 4, 1);
        std::uint32_t end = 0;
        for (const Place place :
             {Place::kX, Place::kNormed, Place::kQ, Place::kKv, Place::kMix, Place::kHidden}) {
            const bool used = place != Place::kKv || cache == CacheFormat::kQ8_0;
            EXPECT_EQ(layout.at(place).stride, used ? ACTIVATION_ALIGN : 0u) << to_string(place);
            if (!used) continue;
            EXPECT_EQ(layout.at(place).offset, end) << to_string(place);
            end += 4 * ACTIVATION_ALIGN;
        }
        EXPECT_EQ(layout.at(Place::kQkv).stride, 0u) << "no kernel leaves it there";
        EXPECT_EQ(layout.at(Place::kLogits).stride, 0u) << "a buffer of their own";
        EXPECT_GE(layout.rotary.at(0).rotations, end);
    }
    EXPECT_EQ(place_width(spec, Place::kQ), 3 * 10u) << "pairs of an odd head";
    EXPECT_EQ(place_width(spec, Place::kKv), 2 * 10u);
}

}  // namespace
}  // namespace gyre
