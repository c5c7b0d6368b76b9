// Which tiling each product uses: a device's defaults, what may be tried instead, and what a model
// uses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "runtime/kernels/kernel_table.h"
#include "runtime/model/model_config.h"
#include "runtime/model/model_weights.h"
#include "runtime/vk/device_info.h"

namespace gyre {

struct Tilings {
    Tiling decode;                      // one token
    Tiling decode_norm;                 // one token, normalised by every workgroup for itself
    bool norms_behind = false;          // one token: a sum is normalised where it is made instead
    Tiling prefill;                     // tiles of several tokens
    std::uint32_t attention_size = 64;  // invocations a query and head
    std::uint32_t attention_streams =
        0;  // a query in decode, queries a workgroup in prompts; 0: none

    // Decode: workgroups that share a query in a context of n_ctx cells.
    std::uint32_t attention_splits(std::uint32_t n_ctx) const;

    // Without texels: whether a binding's range fits them is for the caller to see.
    static Tilings for_device(const DeviceCaps& caps, WeightFormat format);
};

enum class ProductRole {
    kPlain,       // sums, and nothing that looks at all of them
    kNormInside,  // decode: every workgroup normalises what it reads
    kNormBehind,  // decode: the last workgroup normalises the sum
    kLogits,      // decode: plain, with many more rows than a layer's
};

ProductRole product_role(const LinearVariant& variant);

// Products of a model that share a tiling.
struct ProductKind {
    WeightFormat format = WeightFormat::kF32;
    bool complex = false;
    bool decode = false;  // one token, not tiles of several
    ProductRole role = ProductRole::kPlain;
    bool operator==(const ProductKind&) const = default;
    bool operator<(const ProductKind& o) const {
        return std::tie(format, complex, decode, role) <
               std::tie(o.format, o.complex, o.decode, o.role);
    }
};

// What may be tried in place of `first`, the device's default, which is the first of them; then by
// promise. All of them give the same bits: see tilings.cpp. texels: Tiling::texels of all.
std::vector<Tiling> tiling_candidates(const DeviceCaps& caps, const ProductKind& kind,
                                      const Tiling& first, bool texels);

// Whether the modules for one tile multiply this matrix: the device wants them, and no head or
// block of rows alone is too large for texels.
bool takes_fixed_tiles(const DeviceCaps& caps, const WeightMatrix& matrix);

// What the products of one model use. Chosen when it is opened, read by all its sessions.
class ModelTilings {
  public:
    // The defaults.
    ModelTilings(const DeviceCaps& caps, const ModelConfig& config, const ModelWeights& weights);

    // Decoding: a sum is normalised where it is made.
    bool norms_behind() const { return norms_behind_; }
    // Decoding: of the norm inside a product that reads one; 0: none there.
    std::uint32_t norm_quads(const WeightMatrix& matrix) const;
    // Of norms that are dispatches: the fused norms' local size, so that a row's statistics are
    // the same bits in both phases.
    std::uint32_t norm_size(WeightFormat format) const;

    // Without texels.
    Tiling of(const ProductKind& kind) const;
    Tiling default_of(const ProductKind& kind) const;

    void choose(const ProductKind& kind, Tiling tiling) {
        tiling.texels = false;
        chosen_[kind] = tiling;
    }

  private:
    DeviceCaps caps_;
    bool wants_norms_behind_ = false;  // and some do not fit: slices
    bool norms_behind_ = false;
    std::map<ProductKind, Tiling> chosen_;  // others have their default
};

}  // namespace gyre
