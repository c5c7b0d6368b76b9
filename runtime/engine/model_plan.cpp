// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/model_plan.h"

#include <algorithm>

namespace gyre {

FusedPlan FusedPlan::of(const Plan& plan, const ModelTilings& tilings, const ModelWeights& weights,
                        const FuseRules& rules) {
    FuseRules one_token = rules;
    one_token.norms = tilings.norms_after() ? NormPlace::kAfter : NormPlace::kInside;
    one_token.norm_fits = [&](const Operation& product) {
        for (std::size_t part = 0; part < product.parts.size(); ++part) {
            if (tilings.norm_quads(weights.matrix(product.matrix(part))) == 0) return false;
        }
        return true;
    };
    return {fuse(plan.all(), one_token), fuse(plan.body, rules), fuse(plan.head, one_token),
            fuse(plan.head, rules)};
}

LinearVariant linear_variant(const Operation& product, const WeightMatrix& matrix,
                             const ModelSpec& spec, const ModelTilings& tilings) {
    LinearVariant variant;
    variant.format = matrix.format;
    variant.complex = matrix.complex;
    variant.activation = spec.activation;
    variant.rms_norm = spec.norm == NormKind::kRms;
    switch (product.then) {
        case Then::kKeep:
            variant.epilogue = LinearEpilogue::kKeep;
            break;
        case Then::kActivate:
        case Then::kStore:
            variant.epilogue = LinearEpilogue::kActivate;
            break;
        case Then::kMultiply:
            variant.epilogue = LinearEpilogue::kMultiply;
            break;
        case Then::kAdd:
            variant.epilogue = product.norm_place == NormPlace::kAfter
                                   ? LinearEpilogue::kResidualNorm
                                   : LinearEpilogue::kResidual;
            variant.scale = spec.residual_scale != 1.0f;
            break;
    }
    if (product.out == Place::kLogits) {
        variant.epilogue = LinearEpilogue::kLogits;
        variant.scale = spec.logit_scale != 1.0f;
        variant.cap = spec.logit_cap != 0.0f;
    }
    if (product.norm_place == NormPlace::kInside) variant.norm_quads = tilings.norm_quads(matrix);
    return variant;
}

}  // namespace gyre
