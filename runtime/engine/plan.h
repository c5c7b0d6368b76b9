// What a model computes, as a list of operations in the model's words: the file to read first.
// SPDX-License-Identifier: Apache-2.0
//
// plan() makes the list of a spec, fuse() (fuse.h) joins what a device does in one dispatch, and
// whatever asks what a model consists of walks the list: the schedule, the tuner, profiles, costs,
// the bytes that a token reads, the memory of activations, the order of the upload.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/model/model_spec.h"

namespace gyre {

// Where operations read and write; but for kLogits, rows of activations, one per token.
enum class Place : std::uint8_t {
    kNone,
    kX,       // the residual stream
    kNormed,  // what a norm makes of it
    kQkv,     // queries, keys and values as the product makes them
    kQ,       // queries, rotated, in pair order
    kKv,      // keys and values, rotated, in pair order: on their way into a quantized cache
    kMix,     // the heads' weighted values
    kHidden,  // of the feed-forward
    kBlock,   // what a block gives, where it is normalised before it is added
    kLogits,
};
inline constexpr std::size_t kPlaces = 10;

enum class OperationKind : std::uint8_t {
    kEmbed,    // rows of a table, by token id
    kNorm,     // of every row; kAdd: of a block's result, added to the residual stream
    kProduct,  // rows times a matrix, or several
    // [Clamps, normalises,] rotates queries, keys and values; keys and values go into the cache.
    kStore,
    kQuantize,  // stores what is rotated already: a cache whose blocks have scales
    kAttend,    // softmax over the cache
};

// What becomes of a product's sums; a bias, where there is one, is added before.
enum class Then : std::uint8_t {
    kKeep,
    kActivate,
    kAdd,       // to what is in the place already
    kMultiply,  // with what is in the place already
    kStore,     // as OperationKind::kStore
};

// Where a norm that belongs to a product is computed.
enum class NormPlace : std::uint8_t {
    kApart,   // an operation of its own
    kInside,  // by every workgroup of the product that reads it
    kAfter,   // by the last workgroup of the product that makes the sum, into kNormed
};

struct Operation {
    OperationKind kind = OperationKind::kEmbed;
    std::string name;  // "up_activate"
    std::uint32_t layer = kNoLayer;
    Place in = Place::kNone;
    Place out = Place::kNone;
    std::vector<MatrixRole> parts{};  // of kEmbed and kProduct
    Then then = Then::kKeep;
    // Of kNorm; of a product, where norm_place says; of kStore kQ, if it normalises.
    std::optional<NormRole> norm{};
    bool clamp = false;  // of kStore
    NormPlace norm_place = NormPlace::kApart;
    std::uint32_t norm_layer = kNoLayer;

    MatrixId matrix(std::size_t part) const { return {parts[part], layer}; }
    NormId norm_id() const { return {*norm, norm_layer}; }
};
using Operations = std::vector<Operation>;

struct Plan {
    Operations body;  // of every token
    Operations head;  // of those tokens whose logits are asked for

    Operations all() const;  // of a decoded token
};

Plan plan(const ModelSpec& spec);

// Elements of a row of a place; of the rows of attn_qkv before a part of it.
std::uint32_t place_width(const ModelSpec& spec, Place place);
std::uint32_t first_row_of(const ModelSpec& spec, MatrixRole part);

// A token's matrices in the order of their first use, each once: a tied output is the token table.
std::vector<MatrixId> matrices_of(const ModelSpec& spec, const Plan& plan);

// Every norm reads what the operation right before it has made.
bool norms_follow_sums(const Operations& operations);

const char* to_string(OperationKind kind);
const char* to_string(Place place);

}  // namespace gyre
