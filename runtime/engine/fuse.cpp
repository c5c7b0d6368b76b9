// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/fuse.h"

#include <algorithm>

namespace gyre {
namespace {

// How many operations read what `writer` writes into a place.
std::size_t readers(const Operations& operations, std::size_t writer) {
    const Place place = operations[writer].out;
    std::size_t n = 0;
    for (std::size_t i = writer + 1; i < operations.size(); ++i) {
        n += operations[i].in == place ? 1 : 0;
        if (operations[i].out == place && operations[i].then != Then::kAdd) break;
    }
    return n;
}

// product, store without a norm or a clamp -> a product that rotates and stores, into a cache that
// is bound whole.
bool store_in_product(Operations& fused, const Operation& store, const FuseRules& rules) {
    if (store.kind != OperationKind::kStore || fused.empty()) return false;
    Operation& product = fused.back();
    if (product.kind != OperationKind::kProduct || product.out != store.in) return false;
    // A norm needs whole heads.
    if (store.norm || store.clamp || rules.cache_is_sliced) return false;
    product.name += "_" + store.name;
    product.then = Then::kStore;
    product.out = store.out;
    if (rules.cache_has_scales) {
        fused.push_back({.kind = OperationKind::kQuantize,
                         .name = "quantize_cache",
                         .layer = store.layer,
                         .in = Place::kKv});
    }
    return true;
}

// product that adds, norm -> a product whose last workgroup normalises the sum.
bool norm_after_product(Operations& fused, const Operation& norm, const FuseRules& rules) {
    if (rules.norms != NormPlace::kAfter || norm.kind != OperationKind::kNorm || fused.empty()) {
        return false;
    }
    Operation& product = fused.back();
    if (product.kind != OperationKind::kProduct || product.then != Then::kAdd ||
        product.out != norm.in) {
        return false;
    }
    product.norm = norm.norm;
    product.norm_layer = norm.norm_layer;
    product.norm_place = NormPlace::kAfter;
    return true;
}

// norm, the one product that reads it -> a product that normalises what it reads.
bool norm_inside_product(Operations& fused, const Operation& product, const FuseRules& rules,
                         bool only_reader) {
    if (rules.norms != NormPlace::kInside || product.kind != OperationKind::kProduct ||
        fused.empty()) {
        return false;
    }
    const Operation norm = fused.back();
    const bool reads_it =
        norm.kind == OperationKind::kNorm && norm.out == product.in && norm.out == Place::kNormed;
    if (!reads_it || !only_reader || !rules.norm_fits(product)) return false;
    fused.back() = product;
    fused.back().in = norm.in;
    fused.back().norm = norm.norm;
    fused.back().norm_layer = norm.norm_layer;
    fused.back().norm_place = NormPlace::kInside;
    return true;
}

}  // namespace

FuseRules rules_of(const CacheShape& cache) {
    FuseRules rules;
    rules.cache_has_scales = cache_has_scales(cache.format);
    rules.cache_is_sliced = cache.is_sliced();
    return rules;
}

Operations fuse(const Operations& operations, const FuseRules& rules) {
    Operations fused;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const Operation& next = operations[i];
        const bool only_reader = i > 0 && readers(operations, i - 1) == 1;
        if (store_in_product(fused, next, rules) || norm_after_product(fused, next, rules) ||
            norm_inside_product(fused, next, rules, only_reader)) {
            continue;
        }
        fused.push_back(next);
    }
    return fused;
}

std::string profile_label(const Operation& operation) {
    if (operation.kind == OperationKind::kNorm && operation.out == Place::kNormed) return "";
    const bool reads_norm =
        operation.in == Place::kNormed || operation.norm_place == NormPlace::kInside;
    return (reads_norm ? "norm_" : "") + operation.name;
}

}  // namespace gyre
