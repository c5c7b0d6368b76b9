// A model's plan, fused for its device: the lists that the schedule, the tuner and the rest walk.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/engine/fuse.h"
#include "runtime/engine/tilings.h"

namespace gyre {

struct FusedPlan {
    Operations decode;       // one token, to its logits
    Operations prompt;       // several tokens, without their logits
    Operations last_logits;  // of the last token of a prompt: one row, by the kernels of decoding
    Operations all_logits;   // of every token of a prompt

    // rules: of the cache; the rest is added here.
    static FusedPlan of(const Plan& plan, const ModelTilings& tilings, const ModelWeights& weights,
                        const FuseRules& rules);
};

// What a kernel for one part of a product is made of, but for its tiling. A product that rotates
// and stores has a kernel of its own; this is the one that it is timed by.
LinearVariant linear_variant(const Operation& product, const WeightMatrix& matrix,
                             const ModelSpec& spec, const ModelTilings& tilings);

}  // namespace gyre
