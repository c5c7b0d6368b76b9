// Which tiling each product uses: a device's defaults, the candidates in their place, and what a
// model uses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "runtime/engine/plan.h"
#include "runtime/kernels/kernel_table.h"
#include "runtime/model/model_weights.h"
#include "runtime/vk/device.h"
#include "runtime/vk/device_info.h"

namespace gyre {

struct Tilings {
    Tiling decode;                      // one token
    Tiling decode_norm;                 // one token, normalised by every workgroup for itself
    bool norms_after = false;           // one token: a sum is normalised where it is made instead
    Tiling prefill;                     // tiles of several tokens
    std::uint32_t attention_size = 64;  // invocations per query and head
    std::uint32_t attention_streams =
        0;  // a query in decode, queries per workgroup in prompts; 0: none

    // Decode: workgroups that share a query in a context of n_ctx cells.
    std::uint32_t attention_splits(std::uint32_t n_ctx) const;

    bool norm_texels = false;  // norms that are dispatches load texels

    // caps: those of the device, or fewer. Tiling::texels says what is wanted; whether a binding's
    // range fits them is for the caller to see.
    static Tilings for_device(const DeviceInfo& device, const DeviceCaps& caps,
                              WeightFormat format);
};

// A tile of one row as one of two rows and half the tokens: for invocations that multiply both rows
// of a pair, or a complex row, which gives two outputs.
Tiling with_even_rows(Tiling tiling);

enum class ProductRole {
    kPlain,       // sums, and nothing that looks at all of them
    kNormInside,  // decode: every workgroup normalises what it reads
    kNormAfter,   // decode: the last workgroup normalises the sum
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
// promise. All of them give the same bits: see tilings.cpp. texels_fit: of all that such a product
// reads; else no candidate has Tiling::texels.
std::vector<Tiling> tiling_candidates(const DeviceCaps& caps, const ProductKind& kind,
                                      const Tiling& first, bool texels_fit);

// Whether the modules for one tile multiply this matrix: the device wants them, and no head or
// block of rows alone is too large for texels.
bool takes_fixed_tiles(const DeviceCaps& caps, const WeightMatrix& matrix);

// What the products of one model use. Chosen when it is opened, read by all its sessions.
class ModelTilings {
  public:
    // The defaults.
    ModelTilings(const Device& device, const Plan& plan, const ModelWeights& weights);

    // Decoding: a sum is normalised where it is made.
    bool norms_after() const { return norms_after_; }
    // Decoding: of the norm inside a product that reads one; 0: none there.
    std::uint32_t norm_quads(const WeightMatrix& matrix) const;
    // Of norms that are dispatches: the fused norms' local size, so that a row's statistics are
    // the same bits in both phases.
    std::uint32_t norm_size(WeightFormat format) const;

    // Of norms that are dispatches of their own.
    bool norm_texels() const;

    // Texels as they are wanted, whether or not they fit.
    Tiling of(const ProductKind& kind) const;
    Tiling default_of(const ProductKind& kind) const;

    void choose(const ProductKind& kind, const Tiling& tiling) { chosen_[kind] = tiling; }

  private:
    DeviceInfo info_;
    DeviceCaps caps_;
    bool wants_norms_after_ = false;  // and some do not fit: slices
    bool norms_after_ = false;
    std::map<ProductKind, Tiling> chosen_;  // others have their default
};

}  // namespace gyre
