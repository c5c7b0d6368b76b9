// Which neighbours of a plan become one operation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "runtime/engine/kv_cache.h"
#include "runtime/engine/plan.h"

namespace gyre {

// What a device and a cache demand of fusing.
struct FuseRules {
    // Keys and values of a cache whose blocks have scales are stored a whole block at a time, which
    // is an operation of its own.
    bool cache_has_scales = false;
    // A cache bound in slices: rotation and stores are an operation of their own, with a dispatch
    // for each slice.
    bool cache_is_sliced = false;
    // Of one token. kInside where norm_fits, kAfter where the sum is made right before.
    NormPlace norms = NormPlace::kApart;
    std::function<bool(const Operation& product)> norm_fits{};
};

// Of a cache alone.
FuseRules rules_of(const CacheShape& cache);

Operations fuse(const Operations& operations, const FuseRules& rules);

// What one operation's time in a profile is called; empty: it counts for the next operation, as a
// norm apart does for the product that reads it.
std::string profile_label(const Operation& operation);

}  // namespace gyre
