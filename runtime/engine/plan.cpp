// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/plan.h"

#include <algorithm>

namespace gyre {
namespace {

// Writes operations down one after the other.
class Writer {
  public:
    explicit Writer(Operations& out) : out_(out) {}

    void embed(MatrixRole table) {
        add({.kind = OperationKind::kEmbed, .name = "embed", .out = Place::kX, .parts = {table}});
    }
    void embedding_norm() {
        add({.kind = OperationKind::kNorm,
             .name = "embedding_norm",
             .in = Place::kX,
             .out = Place::kX,
             .norm = NormRole::kEmbd});
    }
    void norm(NormRole role) {
        add({.kind = OperationKind::kNorm,
             .name = "norm",
             .in = Place::kX,
             .out = Place::kNormed,
             .norm = role,
             .norm_layer = layer});
    }
    void add_norm(NormRole role) {
        add({.kind = OperationKind::kNorm,
             .name = "add_norm",
             .in = Place::kBlock,
             .out = Place::kX,
             .then = Then::kAdd,
             .norm = role,
             .norm_layer = layer});
    }
    void product(const char* name, Place in, std::vector<MatrixRole> parts, Place out,
                 Then then = Then::kKeep) {
        add({.kind = OperationKind::kProduct,
             .name = name,
             .in = in,
             .out = out,
             .parts = std::move(parts),
             .then = then});
    }
    void store(const AttentionSpec& attention) {
        const bool normalises = attention.qk_norm != QkNorm::kNone;
        add({.kind = OperationKind::kStore,
             .name = "rotary",
             .in = Place::kQkv,
             .out = Place::kQ,
             .norm = normalises ? std::optional(NormRole::kQ) : std::nullopt,
             .clamp = attention.clamp != 0.0f,
             .norm_layer = layer});
    }
    void attend() {
        add({.kind = OperationKind::kAttend,
             .name = "attention",
             .in = Place::kQ,
             .out = Place::kMix});
    }

    // Where a block reads the residual stream.
    Place input(const ModelSpec& spec, NormRole role) {
        if (!spec.has_norms_before()) return Place::kX;
        norm(role);
        return Place::kNormed;
    }
    // The end of a block: a product, whose result is added to the residual stream.
    void sum(const ModelSpec& spec, const char* name, Place in, MatrixRole matrix, NormRole after) {
        if (!spec.has_norms_after()) return product(name, in, {matrix}, Place::kX, Then::kAdd);
        product(name, in, {matrix}, Place::kBlock);
        add_norm(after);
    }

    std::uint32_t layer = kNoLayer;

  private:
    void add(Operation operation) {
        operation.layer = layer;
        out_.push_back(std::move(operation));
    }

    Operations& out_;
};

}  // namespace

//   token ids ── embed ── [norm] ──> x
//
//   in every layer
//        x ── [norm] ── q, k, v ── [clamp, norm,] rotate[, norm], store ──> cache
//        |                             └── q ── attend ── output ── [norm] ──┐
//        (+) <───────────────────────────────────────────────────────────────┘
//        x ── [norm] ── gate, activation ── times up ── down ── [norm] ──┐
//        |          or  up, activation                                   |
//        (+) <───────────────────────────────────────────────────────────┘
//
//   x ── norm ── output ──> logits
//
// With a parallel residual both blocks read the layer's input, and the sums follow at its end.
Plan plan(const ModelSpec& spec) {
    using Role = MatrixRole;
    Plan plan;
    const bool parallel = spec.parallel_residual;
    const std::vector<Role> qkv = spec.attention.separate_qkv
                                      ? std::vector{Role::kAttnQ, Role::kAttnK, Role::kAttnV}
                                      : std::vector{Role::kAttnQkv};
    Writer body(plan.body);
    body.embed(Role::kTokenEmbd);
    if (spec.embedding_norm) body.embedding_norm();
    for (body.layer = 0; body.layer < spec.n_layer; ++body.layer) {
        const auto add_attention = [&] {
            body.sum(spec, "project", Place::kMix, Role::kAttnOutput, NormRole::kAttnPost);
        };
        body.product("qkv", body.input(spec, NormRole::kAttn), qkv, Place::kQkv);
        body.store(spec.attention);
        body.attend();
        if (!parallel) add_attention();

        const Place x = body.input(spec, NormRole::kFfn);
        if (spec.gated) {
            body.product("gate_activate", x, {Role::kFfnGate}, Place::kHidden, Then::kActivate);
            body.product("up_multiply", x, {Role::kFfnUp}, Place::kHidden, Then::kMultiply);
        } else {
            body.product("up_activate", x, {Role::kFfnUp}, Place::kHidden, Then::kActivate);
        }
        if (parallel) add_attention();
        body.sum(spec, "down", Place::kHidden, Role::kFfnDown, NormRole::kFfnPost);
    }
    Writer head(plan.head);
    head.norm(NormRole::kOutput);
    head.product("logits", Place::kNormed, {Role::kOutput}, Place::kLogits);
    return plan;
}

Operations Plan::all() const {
    Operations all = body;
    all.insert(all.end(), head.begin(), head.end());
    return all;
}

std::uint32_t place_width(const ModelSpec& spec, Place place) {
    const std::uint32_t paired_head = (spec.head_dim + 1) / 2 * 2;  // channels in pair order
    switch (place) {
        case Place::kX:
        case Place::kNormed:
        case Place::kBlock:
            return spec.n_embd;
        case Place::kQkv:
            return spec.n_qkv();
        case Place::kQ:
            return spec.n_head * paired_head;
        case Place::kKv:
            return 2 * spec.n_head_kv * paired_head;
        case Place::kMix:
            return spec.n_head * spec.head_dim;
        case Place::kHidden:
            return spec.n_ff;
        case Place::kLogits:
            return spec.n_vocab;
        case Place::kNone:
            break;
    }
    return 0;
}

std::uint32_t first_row_of(const ModelSpec& spec, MatrixRole part) {
    if (part == MatrixRole::kAttnK) return spec.n_head * spec.head_dim;
    if (part == MatrixRole::kAttnV) return (spec.n_head + spec.n_head_kv) * spec.head_dim;
    return 0;
}

std::vector<MatrixId> matrices_of(const ModelSpec& spec, const Plan& plan) {
    std::vector<MatrixId> order;
    for (const Operation& operation : plan.all()) {
        for (std::size_t part = 0; part < operation.parts.size(); ++part) {
            const MatrixId id = operation.matrix(part);
            if (id.role != MatrixRole::kOutput || !spec.tied) order.push_back(id);
        }
    }
    return order;
}

bool norms_follow_sums(const Operations& operations) {
    for (std::size_t i = 1; i < operations.size(); ++i) {
        const Operation& norm = operations[i];
        if (norm.kind == OperationKind::kNorm && operations[i - 1].out != norm.in) return false;
    }
    return true;
}

const char* to_string(OperationKind kind) {
    switch (kind) {
        case OperationKind::kEmbed:
            return "embed";
        case OperationKind::kNorm:
            return "norm";
        case OperationKind::kProduct:
            return "product";
        case OperationKind::kStore:
            return "store";
        case OperationKind::kQuantize:
            return "quantize";
        case OperationKind::kAttend:
            return "attend";
    }
    return "";
}

const char* to_string(Place place) {
    switch (place) {
        case Place::kX:
            return "x";
        case Place::kNormed:
            return "normed";
        case Place::kQkv:
            return "qkv";
        case Place::kQ:
            return "q";
        case Place::kKv:
            return "kv";
        case Place::kMix:
            return "mix";
        case Place::kHidden:
            return "hidden";
        case Place::kBlock:
            return "block";
        case Place::kLogits:
            return "logits";
        case Place::kNone:
            break;
    }
    return "";
}

}  // namespace gyre
